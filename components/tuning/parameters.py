"""Which parameters each major version of PostgreSQL knows, and what they take. Pure.

The table, postgresql_parameters.json, was read from running servers of versions 15 to 18 (Linux):
name, context, vartype, unit, min_val, max_val and enumvals of pg_settings, where context is not internal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from components.problems import closest

VERSIONS = (15, 16, 17, 18)
"""Major versions that the table covers."""

_NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")
_MEMORY = {"B": 1, "kB": 1024, "8kB": 8192, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_TIME = {"us": 1, "ms": 1000, "s": 10**6, "min": 60 * 10**6, "h": 3600 * 10**6, "d": 86400 * 10**6}
_BOOLEANS = frozenset({"on", "off", "true", "false", "yes", "no", "1", "0"})


@cache
def known_parameters(version: int) -> Mapping[str, Mapping[str, Any]]:
    """By name, what parameters of that major version take: type, unit, min, max, values; and `context`, which
    says when a change comes into force (pg_settings.context: postmaster is a restart)."""
    table = json.loads(Path(__file__).with_name("postgresql_parameters.json").read_text(encoding="utf-8"))
    return {
        name: limits for name, forms in table.items() for limits in forms if version in limits["versions"]
    }


def check_parameters(parameters: Mapping[str, str], version: int) -> Iterator[tuple[str, str, str]]:
    """Name, what is wrong, what to do, of each parameter that PostgreSQL `version` would refuse.

    A name with a dot that the table does not have belongs to an extension and is let through, as the
    server does. Raises ValueError when the table does not cover the version.
    """
    if version not in VERSIONS:
        raise ValueError(f"PostgreSQL {version} is none of {', '.join(map(str, VERSIONS))}")
    known = known_parameters(version)
    for name, value in parameters.items():
        limits = known.get(name)
        if limits is None:
            if "." not in name:
                yield name, f"PostgreSQL {version} has no such parameter", _suggestion(name, version)
            continue
        complaint = _complaint(value, limits)
        if complaint:
            yield name, f"{value!r} {complaint}", "correct it"


def _suggestion(name: str, version: int) -> str:
    elsewhere = [str(other) for other in VERSIONS if name in known_parameters(other)]
    if elsewhere:
        return f"remove it (it is one of {', '.join(elsewhere)})"
    guess = closest(name, known_parameters(version))
    return f"did you mean `{guess}`?" if guess else "remove it"


def _complaint(value: str, limits: Mapping[str, Any]) -> str | None:
    """Why the value is refused; None when it is not."""
    kind = limits["type"]
    if kind == "bool":
        return None if value.lower() in _BOOLEANS else "is neither on nor off"
    if kind == "enum":
        allowed = {str(one).lower() for one in limits["values"]}
        return None if value.lower() in allowed else f"is none of {', '.join(sorted(limits['values']))}"
    if kind in ("integer", "real"):
        return _number_complaint(value, limits)
    return None


def _number_complaint(value: str, limits: Mapping[str, Any]) -> str | None:
    match = _NUMBER.fullmatch(value)
    if match is None:
        return "is not a number"
    number, unit = float(match.group(1)), match.group(2)
    own = limits.get("unit")
    if unit:
        units = _MEMORY if own in _MEMORY else _TIME
        if own is None:
            return "takes no unit"
        if unit not in units or unit == "8kB":
            return f"has no unit of {', '.join(one for one in units if one != '8kB')}"
        number = number * units[unit] / units[own]
    low, high = limits["min"], limits["max"]
    return None if low <= number <= high else f"is not between {low} and {high}{own or ''}"
