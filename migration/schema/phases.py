"""Orders what comes after the rows into phases of tasks that can run side by side. Pure.

Unique indexes of keys are built like any index, and become constraints in an instant afterwards
(`ADD CONSTRAINT ... USING INDEX`): building them inside ADD CONSTRAINT would lock the table against the
builds of its other indexes. Foreign keys are added NOT VALID in an instant, and validated in parallel.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import LiteralString

from psycopg import sql

from migration.catalog.ddl_statement import Statement
from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_CLASS, Catalog, ForeignKey
from migration.catalog.tables import Table, TableName
from migration.parsing.rewrite import add_constraint_using_index, statements_in
from migration.plan.late_checks import ADDED, VALIDATED
from migration.plan.model import ServicePlan
from migration.schema.build import Phase, Task

_BY_KEY = frozenset({"RULE", "VIEW", "MATERIALIZED VIEW", "FUNCTION", "PROCEDURE"})
"""What may group by a primary key, so that it comes after that, and what reads it: in the dump's order."""
INDEXES = "indexes"
CONSTRAINTS, KEYS, VALIDITY = "constraints", "foreign keys", "foreign keys' validity"
"""The phase of all indexes and keys of tables."""
_SLOW = re.compile(r" USING (gin|gist|spgist) \(")
_ONE_PROCESS = 3
"""Times a B-tree's cost: builds of these sort little, and have no helpers (GIN before PostgreSQL 18)."""
_SMALL = 1 << 20
"""Bytes of a table below which round trips cost more than what they would save."""
_TOGETHER = 100
"""Small tables in one ANALYZE."""


def make_phases(after: Iterable[Statement], plan: ServicePlan, catalog: Catalog) -> tuple[Phase, ...]:
    """The phases for a service's statements after the rows, in the order in which to run them."""
    sorter = _Sorter(plan, catalog)
    for statement in after:
        sorter.add(statement)
    return sorter.phases()


class _Sorter:
    def __init__(self, plan: ServicePlan, catalog: Catalog) -> None:
        self.plan = plan
        self.catalog = catalog
        self.keys = {key.id: key for key in catalog.foreign_keys}
        self.by_name = {table.name: table for table in plan.relations}
        self.indexes: list[Task] = []
        self.constraints: list[Task] = []
        self.attachments: list[Task] = []
        self.statistics: list[Task] = []
        self.added_keys: list[Task] = []
        self.validations: list[Task] = []
        self.added_checks: list[Task] = []
        self.check_validations: list[Task] = []
        self.rules: list[Task] = []
        self.view_indexes: list[Task] = []
        self.rest: list[Task] = []

    def add(self, statement: Statement) -> None:
        """Put a statement where it belongs."""
        whole = self.catalog.whole(statement.object_id) if statement.object_id[0] else statement.object_id
        table = self.catalog.tables.get(whole[1]) if whole[0] == PG_CLASS else None
        if statement.kind == "INDEX" and table is None:
            statement = replace(statement, under_path=True)
            self.view_indexes.append(Task(statement, shares=frozenset({whole[1]})))
        elif statement.kind == "INDEX" and table is not None:
            self._add_index(statement, table)
        elif statement.kind == "CONSTRAINT" and table is not None:
            self._add_constraint(statement, table)
        elif statement.kind == "INDEX ATTACH":
            self.attachments.append(Task(statement))
        elif statement.kind == "STATISTICS":
            self.statistics.append(Task(statement))
        elif statement.kind == "FK CONSTRAINT":
            self._add_key(statement)
        elif statement.kind == ADDED:
            self.added_checks.append(Task(statement))
        elif statement.kind == VALIDATED:
            self._add_validation(statement, table)
        elif statement.kind in _BY_KEY:
            self.rules.append(Task(statement))
        else:
            self.rest.append(Task(statement))

    def _add_index(self, statement: Statement, table: Table) -> None:
        # Besides CREATE INDEX an entry may hold ALTER TABLE ... CLUSTER ON or REPLICA IDENTITY.
        lock = frozenset({table.oid})
        judged = self.catalog.judged.get(statement.object_id)
        if judged is not None and judged.routines:
            statement = replace(statement, under_path=True)
        alone = statements_in(statement.text) > 1
        cost = table.bytes * (_ONE_PROCESS if _SLOW.search(statement.text) else 1)
        self.indexes.append(
            Task(statement, cost, excludes=lock) if alone else Task(statement, cost, shares=lock)
        )

    def _add_constraint(self, statement: Statement, table: Table) -> None:
        lock = frozenset({table.oid})
        name = self.catalog.objects[statement.object_id].name
        index = self._index_of(statement.object_id, table, name)
        attach = add_constraint_using_index(statement.text, name) if table.kind != "partitioned" else None
        if index is None or attach is None or table.bytes < _SMALL:
            self.indexes.append(Task(statement, table.bytes, excludes=lock))
            return
        build = replace(statement, name=f"index {name} of {table.name}", kind="INDEX", text=index)
        self.indexes.append(Task(build, table.bytes, shares=lock))
        self.constraints.append(Task(replace(statement, text=attach), excludes=lock))

    def _index_of(self, constraint: ObjectId, table: Table, name: str) -> str | None:
        """The DDL of the index behind a constraint: it has the constraint's name, on the same table."""
        for part in self.catalog.parts.get((PG_CLASS, table.oid), ()):
            item = self.catalog.objects[part]
            if item.kind == "index" and item.name == name:
                return item.definition or None
        return None

    def _add_key(self, statement: Statement) -> None:
        key = self.keys.get(statement.object_id)
        tables = [self.by_name[name] for name in self._tables_of(key) if name in self.by_name]
        locks = frozenset(table.oid for table in tables)
        cost = sum(table.bytes for table in tables)
        if key is None or not key.validated or any(table.kind == "partitioned" for table in tables):
            # NOT VALID is not there for partitioned tables before PostgreSQL 18.
            self.validations.append(Task(statement, cost, excludes=locks))
            return
        alter = sql.SQL("ALTER TABLE ONLY {} ").format(key.table.identifier()).as_string(None)
        name = sql.Identifier(key.name).as_string(None)
        added = f"{alter}ADD CONSTRAINT {name} {key.definition} NOT VALID"
        self.added_keys.append(Task(replace(statement, text=added)))
        # VALIDATE conflicts with itself on the referencing table, and reads the referenced one.
        referencing = self.by_name[key.table].oid
        self.validations.append(
            Task(
                replace(
                    statement, name=f"validity of {statement.name}", text=f"{alter}VALIDATE CONSTRAINT {name}"
                ),
                cost,
                shares=locks - {referencing},
                excludes=frozenset({referencing}),
            )
        )

    def _add_validation(self, statement: Statement, table: Table | None) -> None:
        # A domain's locks every table that has it.
        tables = self.plan.relations if table is None or table.kind == "partitioned" else (table,)
        locks = frozenset(one.oid for one in tables)
        self.check_validations.append(Task(statement, 0 if table is None else table.bytes, excludes=locks))

    def _tables_of(self, key: ForeignKey | None) -> tuple[TableName, ...]:
        return () if key is None else (key.table, key.referenced)

    def phases(self) -> tuple[Phase, ...]:
        """All phases; those without tasks stay, empty."""
        tables = [(t.name, t.bytes) for t in self.plan.relations if t.kind != "foreign" and t.parent is None]
        views = self.plan.materialized_views
        refresh = tuple(Task(_maintenance("REFRESH MATERIALIZED VIEW", name)) for name in views)
        return (
            Phase(INDEXES, tuple(self.indexes)),
            Phase(CONSTRAINTS, tuple(self.constraints)),
            Phase("partitions' indexes", tuple(self.attachments), parallel=False),
            Phase("extended statistics", tuple(self.statistics), parallel=False),
            Phase("statistics", tuple(_analyze(tables))),
            Phase(KEYS, tuple(self.added_keys), parallel=False),
            Phase(VALIDITY, tuple(self.validations)),
            Phase("rules, and what needs a key", tuple(self.rules), parallel=False),
            # They may call what was made now, and read other tables, by their keys.
            Phase("checks", tuple(self.added_checks), parallel=False),
            Phase("checks' validity", tuple(self.check_validations)),
            Phase("materialized views", refresh, parallel=False),
            Phase("materialized views' indexes", tuple(self.view_indexes)),
            Phase("materialized views' statistics", tuple(_analyze((name, 0) for name in views))),
            Phase("triggers, policies and comments", tuple(self.rest), parallel=False),
        )


def _analyze(tables: Iterable[tuple[TableName, int]]) -> Iterator[Task]:
    """One ANALYZE a table, and one for many of the small ones."""
    small = []
    for name, cost in tables:
        if cost >= _SMALL:
            yield Task(_maintenance("ANALYZE", name), cost)
        else:
            small.append(name)
    for begin in range(0, len(small), _TOGETHER):
        yield Task(_maintenance("ANALYZE", *small[begin : begin + _TOGETHER]))


def _maintenance(command: LiteralString, *names: TableName) -> Statement:
    listed = sql.SQL(", ").join(name.identifier() for name in names)
    text = sql.SQL("{} {}").format(sql.SQL(command), listed).as_string(None)
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return Statement(f"{command.lower()} of {names[0]}{more}", command, (0, 0), text, under_path=True)
