"""Expressions that a service's own server computes otherwise than the shared one, told before the move.

Stemmers, Unicode's tables, time zones, regular expressions and numeric functions change with versions and
builds of PostgreSQL, though they are IMMUTABLE within one. What is stored by them would never be equal on
both sides, and no copy helps. The plan looks for a few seconds, at a bounded number of rows of each table.
docs/decisions/0153-computed-by-the-other-version.md
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from psycopg import sql

from core.sessions.connections import Database
from core.sessions.session import Connection
from migration.catalog.objects import Catalog
from migration.catalog.tables import Table, display_name
from migration.examine.other_server import MOST_ROWS, Expression, OtherServer, Otherwise, read_expressions
from migration.plan.judge.shifting import drop_index, with_trigger
from migration.plan.model import Plan, Problem, ServicePlan

SECONDS = 5.0
"""How long the plan looks, for each service."""


def with_computed_there(
    plan: Plan, source: Database, targets: Mapping[str, Database], seconds: float = SECONDS
) -> Plan:
    """The plan with a no-go for each expression that the service's own server computes otherwise, and a note
    for what was not looked at. `targets` has the services' own databases.

    Raises the errors of `Database.translate`.
    """
    with source.connect() as connection, source.translated("computing what is stored"):
        services = {
            name: _examined(own, plan.catalog, connection, targets[name], seconds)
            for name, own in plan.services.items()
        }
    return replace(plan, services=services)


def _examined(
    own: ServicePlan, catalog: Catalog, connection: Connection, target: Database, seconds: float
) -> ServicePlan:
    expressions = [one for one in read_expressions(connection, own) if _is_steady(catalog, one)]
    if not expressions:
        return own
    path = catalog.application_path or (own.schema, "public")
    tables = {table.oid: table for table in own.relations}
    problems, untold = [], []
    deadline = time.monotonic() + seconds
    with target.connect() as other, target.translated("computing what is stored"):
        both = OtherServer(connection, other, path, deadline)
        said = _Said(own.service, catalog, other.info.server_version // 10_000)
        with both.prepared(own, catalog, needed=any(one.own for one in expressions)):
            for one in expressions:
                table = tables[one.table]
                try:
                    found = both.compare(one, table.key or ())
                except LookupError:
                    untold.append(one)
                    continue
                if found is not None:
                    problems.append(said.problem(table, one, found))
    problems += said.untold(tables, untold, seconds)
    return replace(own, problems=(*own.problems, *problems))


def _is_steady(catalog: Catalog, expression: Expression) -> bool:
    """Whether the row alone decides: what the clock, a session or other rows do is told elsewhere."""
    judged = catalog.judged.get(expression.id)
    if judged is None or expression.kind == "generated":
        return judged is None or not judged.clock
    return not judged.clock and not (judged.shifting and judged.routines)


@dataclass(frozen=True)
class _Said:
    """What is said of one service."""

    service: str
    catalog: Catalog
    version: int
    """The major version of the service's own server."""

    def problem(self, table: Table, expression: Expression, found: Otherwise) -> Problem:
        """The no-go for what differs; a note where nothing rests on it."""
        here, there = f"PostgreSQL {self.catalog.server.major}", f"PostgreSQL {self.version}"
        named = f"{table.name}.{display_name(expression.name)}"
        rows = f"{found.count:,} of {found.looked_at:,} rows looked at"
        example = f"{found.row or 'one'}: {found.here} by {here}, {found.there} by {there}"
        if expression.kind == "generated":
            return self._no_go(
                f"generated column {named} is computed otherwise by {there}: {rows}, {example}; its own"
                " database would compute it anew, so that both sides are never equal; a trigger in its place"
                " keeps what is stored; in the shared database first:"
                f" {with_trigger(table, self.catalog.objects[expression.id])}"
            )
        if expression.kind == "unique":
            drop = drop_index(self.catalog, table, self.catalog.objects[expression.id])
            return self._no_go(
                f"index {named} is unique or excludes rows, and {there} enters rows by another value: {rows},"
                f" {example}; what the one takes the other may refuse, which stops replication; a trigger may"
                f" take its place; in the shared database first: {drop}"
            )
        if expression.kind == "check":
            drop = (
                sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
                .format(table.name.identifier(), sql.Identifier(expression.name))
                .as_string(None)
            )
            return self._no_go(
                f"check {named} refuses by {there} what it lets in by {here}: {rows},"
                f" {found.row or 'one'}; in the shared database first, mend them or: {drop}"
            )
        if expression.kind == "partition":
            return self._no_go(
                f"table {table.name} is partitioned by an expression that {there} computes otherwise: {rows},"
                f" {example}; its partitions would refuse their rows: partition it by a column in the shared"
                " database first"
            )
        return self._note(
            f"index {named} is computed otherwise by {there}: {rows}, {example}; its own database makes"
            " it anew, and statements that ask by it get what that version answers"
        )

    def untold(
        self, tables: Mapping[int, Table], left: Sequence[Expression], seconds: float
    ) -> Iterator[Problem]:
        """A note for those of which not every row was looked at."""
        left = [one for one in left if one.kind != "index"]
        if left:
            shown = ", ".join(f"{tables[one.table].name}.{display_name(one.name)}" for one in left[:3])
            more = f" and {len(left) - 3} more" if len(left) > 3 else ""
            yield self._note(
                f"whether PostgreSQL {self.version} computes {shown}{more} the same for every row is not"
                f" known: the plan looks for {seconds:g} s, at {MOST_ROWS:,} rows of a table, and needs what"
                " they call; `verify` compares what is stored"
            )

    def _no_go(self, text: str) -> Problem:
        return Problem(self.service, "data", "no-go", text)

    def _note(self, text: str) -> Problem:
        return Problem(self.service, "data", "note", text)
