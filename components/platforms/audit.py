"""The audit of an instance, who changed what: by pgaudit where a server has it, else by log_statement. Pure.

A service says how much with `log_statement` (`all` for payment). pgaudit then logs as much and more: who
changed roles and privileges, statements inside functions, and passwords of roles blotted out.
https://github.com/pgaudit/pgaudit/blob/REL_17_STABLE/README.md#settings
"""

from __future__ import annotations

from collections.abc import Mapping

PGAUDIT = "pgaudit"
"""The library, and the extension that has it name the objects that DDL changes."""

SWITCH = "pgaudit.log"
"""What pgaudit logs of a session."""

_PRELOADED = "shared_preload_libraries"

_CLASSES: Mapping[str, str] = {
    "none": "none",
    "ddl": "ddl, role",
    "mod": "ddl, role, write",
    "all": "all",
}
"""What pgaudit logs where log_statement would log this."""


def by_pgaudit(parameters: Mapping[str, str]) -> dict[str, str]:
    """`parameters` (postgresql.conf) with pgaudit in log_statement's place. A service's own settings of
    pgaudit win."""
    libraries = [one.strip() for one in parameters.get(_PRELOADED, "").split(",") if one.strip()]
    return {
        SWITCH: _CLASSES[parameters.get("log_statement", "none").lower()],
        # As log_statement does: without the values, nobody knows what was changed.
        "pgaudit.log_parameter": "on",
        **parameters,
        _PRELOADED: ", ".join(dict.fromkeys([*libraries, PGAUDIT])),
        # Not twice, and never with a password.
        "log_statement": "none",
    }


def is_by_pgaudit(parameters: Mapping[str, str]) -> bool:
    """Whether a server with these parameters loads pgaudit."""
    return PGAUDIT in [one.strip() for one in parameters.get(_PRELOADED, "").split(",")]
