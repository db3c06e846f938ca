"""Amounts of memory, as PostgreSQL spells them.

A size is a whole number and one of PostgreSQL's units (`kB`, `MB`, `GB`, `TB`; powers of 1024; the
case matters to it): https://www.postgresql.org/docs/current/config-setting.html. A decimal fraction
(`1.5GB`) is understood too and written back as whole units.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

KB = 1
MB = 1024
GB = 1024 * MB
TB = 1024 * GB

_UNITS = {"kB": KB, "MB": MB, "GB": GB, "TB": TB}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")


def parse_size(value: object) -> int:
    """`256MB`, `1.5GB`, ... in kB. An int is taken as kB already.

    Raises ValueError (what was wrong; what to write) when there is no unit or none of PostgreSQL's.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if value <= 0:
            raise ValueError("not a size; write a positive number and a unit, for example 256MB")
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("not a size; write a number and a unit, for example 256MB")
    number, unit = match.groups()
    if unit not in _UNITS:
        fitting = next((known for known in _UNITS if known[0].lower() == unit[:1].lower()), None)
        meant = f"write {number}{fitting}" if fitting else "write one of kB, MB, GB, TB after the number"
        raise ValueError(f"{'no unit' if not unit else f'{unit!r} is no unit of PostgreSQL'}; {meant}")
    kilobytes = float(number) * _UNITS[unit]
    if kilobytes < 1 or kilobytes != int(kilobytes):
        raise ValueError("not a whole number of kB; write it in a smaller unit")
    return int(kilobytes)


def format_size(kilobytes: int) -> str:
    """`kilobytes` in the largest unit that shows it whole: 393216 gives `384MB`."""
    for unit in ("TB", "GB", "MB"):
        if kilobytes and kilobytes % _UNITS[unit] == 0:
            return f"{kilobytes // _UNITS[unit]}{unit}"
    return f"{kilobytes}kB"


Kilobytes = Annotated[int, BeforeValidator(parse_size), PlainSerializer(format_size, return_type=str)]
"""A field written as a size and held in kB; dumped as a size again, so that digests read well."""
