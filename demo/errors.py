"""What the demo says when it cannot go on: one line."""

from __future__ import annotations


class DemoError(Exception):
    """Something a person must see or do; `str()` is the line: what was seen, where, what to do next."""
