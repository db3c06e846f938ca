"""What can go wrong with a server on this machine: one class, one line each."""

from __future__ import annotations


class ServerError(Exception):
    """A server could not be made, started or stopped. `str()` is one line: what, where, what to do.

    The detail of a failed start is the last telling line of the server's own log, never the whole log,
    and never a password: servers are not given one on their command line.
    """

    def __init__(self, seen: str, *, where: str, to_do: str) -> None:
        """`seen` in the past tense, `where` a path or address, `to_do` an imperative."""
        self.seen, self.where, self.to_do = seen, where, to_do
        super().__init__(" ".join(f"{where}: {seen}; {to_do}.".split()))
