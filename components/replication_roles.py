"""Names of the roles as which one server streams changes out of another's database.

`migration` calls publication and subscription so too, and gives the role its password; the stack makes the
role without one, because `migration` makes no roles on a service's own instance.
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal

NAME_BYTES = 63
"""PostgreSQL cuts longer names."""
ENDED_LOGIN = "; closed by `python -m migration finish`"
"""Behind the comment of a login on the shared database that `finish` closed: the stack leaves it so."""


def flow_name(service: str, direction: Literal["forward", "back"]) -> str:
    """Of publication, subscription and heartbeat of a direction; slots, which allow only [a-z0-9_], and the
    logins that `migration` makes are the server's, and have the database's name behind it (`server_wide`)."""
    return f"waqiti_{_plain(service)}_{direction}"


def server_wide(name: str, database: str) -> str:
    """The name with which a slot or a login of a database is told apart from that of every other database of
    its server: `<name>_<database>`, of the characters and the length that slots allow."""
    plain = _plain(database)
    whole = f"{name}_{plain}"
    if plain == database and len(whole) <= NAME_BYTES:
        return whole
    digest = hashlib.sha256(f"{name}\0{database}".encode()).hexdigest()[:8]
    return f"{whole[: NAME_BYTES - 9]}_{digest}"


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
