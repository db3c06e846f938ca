"""Proof that a service's schema arrived: source and target compared by what their catalogues say.

Compared are contents (types, expressions, definitions, comments, parameters), not dumps. Left out is what
belongs to the side and not to the schema: owners, privileges, OIDs, sizes, replica identities, and this
program's own guards. Servers of different versions print the same view differently; what differs in text is
therefore created once more on the target, in a transaction that is rolled back, and printed by that server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from migration.catalog import Connection, frozen
from migration.catalog_model import Catalog, ObjectId
from migration.connections import Database
from migration.model import display_name
from migration.plan_model import Plan, ServicePlan
from migration.queries import query

_PROBED = frozenset({"view", "materialized view"})


@dataclass(frozen=True, slots=True)
class Difference:
    """An object that is not the same on both sides."""

    kind: str
    identity: str
    source: str | None
    """What it is on the source; None: it is not there."""
    target: str | None
    """What it is on the target; None: it is not there."""

    def __str__(self) -> str:
        if self.source is None:
            return f"{self.kind} {self.identity} is only on the target: {self.target}"
        if self.target is None:
            return f"{self.kind} {self.identity} is only on the source: {self.source}"
        return f"{self.kind} {self.identity} differs: source {self.source}; target {self.target}"


@dataclass(frozen=True, slots=True)
class _Row:
    whole: ObjectId
    content: str


_Key = tuple[str, str]


def compare_schemas(source: Database, target: Database, plan: Plan, name: str) -> tuple[Difference, ...]:
    """What differs, for the service `name`, between the source and its own database after a move.

    Empty: all that the plan moves is on the target as it is on the source, and nothing else is there.
    `plan` says what belongs to the service and what was dropped on purpose. Raises the errors of
    `Database.translate`.
    """
    own = plan.services[name]
    with source.connect() as connection, source.translated("reading its catalogue"), frozen(connection):
        ours = _of_service(_read(connection), own, plan.catalog)
    with target.connect() as connection, target.translated("reading its catalogue"):
        with frozen(connection):
            theirs = _read(connection)
            members = {(row[0], row[1]) for row in connection.execute(query("fidelity_members"))}
        theirs = {key: row for key, row in theirs.items() if row.whole not in members}
        found = _differences(ours, theirs)
        return tuple(d for d in found if not _same_when_printed_alike(connection, d))


def _read(connection: Connection) -> dict[_Key, _Row]:
    rows = connection.execute(query("fidelity_contents"))
    return {
        (kind, identity): _Row((classid, oid), content or "")
        for classid, oid, kind, identity, content in rows
    }


def _of_service(rows: Mapping[_Key, _Row], own: ServicePlan, catalog: Catalog) -> dict[_Key, _Row]:
    """The source's rows that the plan moves, as they have to be on the target."""
    orphaned = {
        str(s.name)
        for s in own.sequences
        if s.owned_by is not None and s.owned_by[0] not in {table.name for table in own.relations}
    }
    lost_defaults = {
        f"{catalog.objects[item.parent].identity}.{display_name(item.name)}": f" | {item.definition}"
        for item in (catalog.objects[key] for key in own.dropped)
        if item.kind == "default" and item.parent is not None
    }
    kept = {}
    for key, row in rows.items():
        if row.whole not in own.objects or catalog.objects[row.whole].extension is not None:
            continue
        content = row.content
        if key[0] == "sequence" and key[1] in orphaned:
            content = content.partition(" | owned by ")[0]
        if key[0] == "column" and key[1] in lost_defaults:
            content = content.replace(lost_defaults[key[1]], "", 1)
        kept[key] = _Row(row.whole, content)
    return kept


def _differences(ours: Mapping[_Key, _Row], theirs: Mapping[_Key, _Row]) -> Iterable[Difference]:
    for key in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get(key), theirs.get(key)
        if here is None or there is None or here.content != there.content:
            yield Difference(*key, here.content if here else None, there.content if there else None)


def _same_when_printed_alike(connection: Connection, difference: Difference) -> bool:
    """Whether the source's view, created on the target, prints as the target's does."""
    if difference.kind not in _PROBED or difference.source is None or difference.target is None:
        return False
    source_head, _, source_query = difference.source.rpartition(" |  ")
    target_head, _, target_query = difference.target.rpartition(" |  ")
    if source_head != target_head:
        return False
    probe = sql.Identifier("pg_temp", "fidelity_probe")
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL search_path = ''")
            body = sql.SQL(source_query.rstrip(";"))
            connection.execute(sql.SQL("CREATE VIEW {} AS {}").format(probe, body))
            printed = connection.execute(
                "SELECT pg_get_viewdef('pg_temp.fidelity_probe'::regclass)"
            ).fetchone()
    except psycopg.Error:
        return False
    return printed is not None and printed[0].strip() == target_query.strip()
