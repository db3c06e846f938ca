"""What the demo says when it cannot go on: one line."""

from __future__ import annotations


class DemoError(Exception):
    """Something a person must see or do; `str()` is the line: what was seen, where, what to do next."""


class Interrupted(Exception):
    """Ctrl-C or SIGTERM. No KeyboardInterrupt: Typer would take that for its own, and say nothing."""
