"""A restore point, as it is kept: what was made where, and what the rows were at that instant. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

SHARED = "shared"
"""The place of all services that have not moved; no service is called so."""

State = Literal["begun", "made", "void"]
"""`begun`: somebody is at it, or was killed: the name may be in some databases and is spent. `made`: every
place has it, with all gateways paused. `void`: made, but the gateways were not paused to its end."""

Exact = Literal["yes", "replication", "no"]
"""Whether the digests' snapshot is the point's. `replication`: nothing but replication wrote between."""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TableDigest(_Kept):
    """A table's rows as three numbers, equal for equal rows in any order."""

    rows: int
    digest: str
    """Two 128-bit sums of two 64-bit hashes of each row's text, in hexadecimal."""


class ServiceDigest(_Kept):
    """All rows of a service."""

    probe: str
    """The hash function's answers to known texts: digests of servers that answer otherwise say nothing."""
    tables: dict[str, TableDigest]
    """By `schema.table`, quoted where SQL needs it."""
    seconds: float

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables.values())


class PlacePoint(_Kept):
    """The point in one database server."""

    system: int
    """The server's system identifier, which a restored copy shares and a new instance does not."""
    version: int
    """As libpq gives it (170010)."""
    timeline: int
    lsn: str
    """The end of the point's record: recovery to the name stops here."""
    services: tuple[str, ...]
    """Whose rows are there."""
    exact: Exact | None = None
    """None: no digests were taken."""
    beside: tuple[str, ...] = ()
    """Transactions that were writing at that moment although no gateway let them through: who, in words.
    What they commit later is not in the point, whatever it caused elsewhere."""


class KeptReference(_Kept):
    """A foreign key that crosses services, as the shared database had or has it."""

    schema_name: str
    table: str
    constraint: str
    definition: str
    references_schema: str
    dependent: str
    """The service whose rows refer: the effect."""
    referenced: str
    """The service whose rows are referred to: the cause."""


class Point(_Kept):
    """One instant of all databases."""

    version: Literal[1] = 1
    name: str
    stack: str
    reason: str
    """Why it was made: `by hand`, `scheduled`, `before the cutover of user`."""
    state: State
    begun: datetime
    made: datetime | None = None
    pause_ms: float | None = None
    """From the first PAUSE sent to the last RESUME answered."""
    parts_ms: dict[str, float] = {}
    """The same in parts: all gateways paused, the point made, looked, all resumed."""
    waited_ms: dict[str, float] = {}
    """How long each gateway's transactions under way took to end."""
    homes: dict[str, str] = {}
    """A service's place: its own name, or `shared`."""
    left_out: tuple[str, ...] = ()
    """Services that the person left out, because their gateway or instance was down."""
    places: dict[str, PlacePoint] = {}
    digests: dict[str, ServiceDigest] = {}
    references: tuple[KeptReference, ...] = ()

    @property
    def services(self) -> tuple[str, ...]:
        """Those it holds."""
        return tuple(self.homes)
