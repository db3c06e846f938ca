"""Names of the roles as which one server streams changes out of another's database.

`migration` calls publication, slot and subscription so too, and gives the role its password; the stack makes
the role without one, because `migration` makes no roles on a service's own instance.
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal

NAME_BYTES = 63
"""PostgreSQL cuts longer names."""


def flow_name(service: str, direction: Literal["forward", "back"]) -> str:
    """Of publication, slot, subscription and login of a direction; slots allow only [a-z0-9_]."""
    return f"waqiti_{_plain(service)}_{direction}"


def following_role(service: str) -> str:
    """The role as which the shared database follows a service that has moved."""
    return flow_name(service, "back")


def reading_role(reader: str, service: str) -> str:
    """The role as which the server of `reader` follows what that reads of `service`:
    `waqiti_reads_<reader>_of_<service>`, of the characters and the length that slots allow."""
    name = f"waqiti_reads_{_plain(reader)}_of_{_plain(service)}"
    if len(name) <= NAME_BYTES:
        return name
    return f"{name[: NAME_BYTES - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _plain(service: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", service.lower())
