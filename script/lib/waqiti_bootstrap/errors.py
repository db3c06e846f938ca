"""What stops a bootstrap, for a person to read."""


class BootstrapError(Exception):
    """Something is missing or failed; the text says what was seen and what to do next, in one line."""
