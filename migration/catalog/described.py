"""An object of a schema, described so that two of them can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from migration.catalog.identity import ObjectId

Properties = Mapping[str, Any]
"""What an object is: property to value, in JSON's types, the same wherever the same thing exists."""


@dataclass(frozen=True, slots=True)
class Described:
    """An object of one side."""

    whole: ObjectId
    """The object that it belongs to, of those that `pg_depend` knows."""
    on: str | None
    """The relation or type that it is a part of, as SQL."""
    properties: Properties
    drop: str | None = None
    """The DDL that takes it away; None where it goes with something else."""
    create: str | None = None
    """The DDL that makes it; None where only a dump has it."""
    expressions: tuple[str, ...] = ()
    """What of its definition was parsed, as it is printed there, in order; where the definition is not that
    as a whole."""
