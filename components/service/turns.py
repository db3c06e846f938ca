"""Two sets of logins of a service, used in turn, so that a rotation has both valid at once. Pure.

The first set are the roles that the catalogue names, the second the same with `_b` behind; the second acts as
the first (`ALTER ROLE ... SET role`), which is granted everything. docs/decisions/0120-rotation.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from components.replication_roles import NAME_BYTES

FIRST, SECOND = 0, 1


@dataclass(frozen=True)
class Turns:
    """How often a service's logins were rotated, as the stack's `rotation` says."""

    logins: int = 0
    """Of the applications' logins: an even number, the first set is current; an odd one, the second."""
    changing: bool = False
    """Whether the other set is valid, too."""
    own: int = 0
    """Rotations of the passwords that only this project's programs use."""

    @property
    def current(self) -> int:
        """The set that applications are to use: FIRST or SECOND."""
        return self.logins % 2

    @property
    def has_second(self) -> bool:
        """Whether there is a second set at all."""
        return self.logins > 0

    def is_open(self, which: int) -> bool:
        """Whether the logins of a set may log in."""
        return which == self.current or (self.changing and self.has_second)

    def password(self, which: int) -> int:
        """The rotation that the passwords of a set were drawn at."""
        return self.logins if which == self.current else max(self.logins - 1, 0)


def second(role: str) -> str:
    """The name of a role in the second set."""
    name = f"{role}_b"
    if len(name.encode()) <= NAME_BYTES:
        return name
    return f"{role[: NAME_BYTES - 11]}_{hashlib.sha256(role.encode()).hexdigest()[:8]}_b"


def drawn(rotation: str, generation: int) -> str:
    """What a generated secret is drawn for: the stack's `passwordRotation`, and the service's own count."""
    return rotation if generation == 0 else f"{rotation}#{generation}"
