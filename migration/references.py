"""Columns of other services, kept as read-only tables in a service's own database: the steps of moves.

They follow the shared database as long as that has the other service's rows, at first or by the replication
back; so neither a cutover nor a rollback touches them. `finish` of the other service leads them to its own
database. docs/decisions/0041-references.md says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from psycopg import sql

from components.contract import Contract, Service
from migration.errors import WrongState
from migration.move_context import OfflineMove
from migration.plan_model import Plan
from migration.references_link import GUARD, follow, unfollow, unpublish
from migration.references_model import OVER, forget_link, links_of, note_link, read_links
from migration.references_plan import Replica, marks_of
from migration.schema_script import Statement
from migration.schema_target import ddl_session, drop_schema_on_target, ensure_marks, run_noted
from migration.stack import source_database
from migration.statements import statement

_REFUSING = "waqiti_refuse_write"


def make_replicas(move: OfflineMove) -> Mapping[str, Any]:
    """Create the tables of other services that this one reads, fill them, and let them follow.

    Raises WrongState when a service that is read is being finished.
    """
    moves = move.journal.moves()
    links = links_of(move.service, move.own.replicas, moves)
    over = {m.service for m in moves if m.state in OVER}
    for link in links:
        if link.referenced in over:
            raise WrongState(
                f"{move.name} reads {link.referenced}, which is finished or about to be: such references "
                f"have to be made before; use `drop` for them in services.yaml"
            )
    if not links:
        return {"tables": 0}
    with move.source.connect() as connection, move.source.translated("noting a reference"):
        for link in links:
            note_link(connection, link)
    _create(move, move.own.replicas)
    rows = sum(follow(move.contract, link) for link in links)
    return {"tables": len(move.own.replicas), "rows": rows, "links": [link.name for link in links]}


def drop_replicas(move: OfflineMove) -> None:
    """Remove all that `make_replicas` made, on all sides."""
    with move.source.connect() as connection, move.source.translated("removing references"):
        links = [link for link in read_links(connection) if link.dependent == move.name]
        if not links:
            return
        for link in links:
            unfollow(move.contract, link)
        drop_schema_on_target(move.target, marks_of(move.name))
        for link in links:
            forget_link(connection, link)


def lead_to_own(move: OfflineMove) -> Mapping[str, Any]:
    """Before a service's old copy goes: let those that read it follow its own database."""
    led = []
    with move.source.connect() as connection, move.source.translated("leading references elsewhere"):
        for link in read_links(connection):
            if link.referenced != move.name:
                continue
            if link.publisher == "shared":
                own = replace(link, publisher="own")
                follow(move.contract, own)
                note_link(connection, own)
            # Also after a crash in between, when it is noted already.
            unpublish(move.source, link.name)
            led.append(link.dependent)
    return {"dependents": led}


def require_none_offline(contract: Contract, service: Service, plan: Plan) -> None:
    """Raise WrongState for a service that reads another or is read: such ones are moved online only."""
    source = source_database(contract)
    with source.connect() as connection, source.translated("reading the references"):
        links = [link for link in read_links(connection) if service.name in {link.dependent, link.referenced}]
    bound = {(link.dependent, link.referenced) for link in links} | {
        (one.service, replica.referenced)
        for one in plan.services.values()
        for replica in one.replicas
        if service.name in {one.service, replica.referenced}
    }
    others = {name for pair in bound for name in pair} - {service.name}
    if others:
        raise WrongState(
            f"{service.name} and {', '.join(sorted(others))} are bound by a `reference`, which follows "
            "replication: move them without --stop-writes"
        )


def _create(move: OfflineMove, replicas: tuple[Replica, ...]) -> None:
    """The tables, empty, owned by the owner; the service may read them and nobody may write."""
    statements = []
    service = sql.Identifier(move.service.service.name)
    for schema in dict.fromkeys(replica.table.schema for replica in replicas):
        names = {"schema": sql.Identifier(schema), "service": service}
        function = sql.Identifier(schema, _REFUSING)
        statements += [
            _statement(f"schema {schema}", sql.SQL("CREATE SCHEMA IF NOT EXISTS {schema}").format(**names)),
            _statement(
                f"schema {schema}", sql.SQL("GRANT USAGE ON SCHEMA {schema} TO {service}").format(**names)
            ),
            _statement(f"function {_REFUSING}", statement("references_guard").format(function=function)),
        ]
    for replica in replicas:
        parts: dict[str, sql.Composable] = {
            "table": replica.table.identifier(),
            "columns": sql.SQL(", ").join(_column(replica)),
            "key": sql.SQL(", ").join(sql.Identifier(name) for name in replica.key),
            "guard": sql.Identifier(GUARD),
            "function": sql.Identifier(replica.table.schema, _REFUSING),
            "service": service,
        }
        statements += [
            _statement(f"replica {replica.table}", sql.SQL(text).format(**parts))
            for text in (
                "CREATE TABLE {table} ({columns}, PRIMARY KEY ({key}))",
                "CREATE TRIGGER {guard} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
                "REVOKE ALL ON {table} FROM {service}",
                "GRANT SELECT ON {table} TO {service}",
            )
        ]
    with ddl_session(move.target) as connection:
        with move.target.translated("looking at what is there"):
            ensure_marks(connection)
        run_noted(connection, move.target, marks_of(move.name), move.service.owner, statements)


def _column(replica: Replica) -> list[sql.Composed]:
    # Types and collations are the server's own output.
    return [
        sql.SQL("{} {}{}").format(
            column.identifier(),
            sql.SQL(column.type),
            sql.SQL(" COLLATE {}").format(sql.SQL(column.collation)) if column.collation else sql.SQL(""),
        )
        for column in replica.columns
    ]


def _statement(name: str, composed: sql.Composed) -> Statement:
    return Statement(name, "REFERENCE", (0, 0), composed.as_string(None))
