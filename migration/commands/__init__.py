"""The verbs of `python -m migration`, one module each."""
