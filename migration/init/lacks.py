"""What the shared server lacks for the moves that a draft wants, with the statements that give it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import LiteralString

from psycopg import sql

from core.sessions.connections import Database
from migration.gates.model import GateLimits
from migration.init.draft import Draft
from migration.init.model import Survey

_SPARE = 4
"""Slots and senders on top of the services': a verification's, a watch's, somebody's backup."""
_RETRY = "500ms"
LIBRARY = "pg_stat_statements"


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing that is missing."""

    what: str
    why: str
    statements: tuple[str, ...] = ()
    """SQL for a superuser, in the shared database."""
    lines: tuple[str, ...] = ()
    """For pg_hba.conf."""
    restart: bool = False
    """It takes effect when the server has been restarted."""


def find_lacks(draft: Draft, source: Database) -> list[Lack]:
    """What is missing, in the order in which to give it."""
    survey = draft.survey
    return [
        *_replication(survey, len(draft.services), sum(len(s.reads) for s in draft.services)),
        *_statements_counted(survey),
        *_locks(survey),
        *_administrator(draft, source),
        *_application(draft),
        *_hba(survey, source),
    ]


def _replication(survey: Survey, services: int, references: int) -> Iterator[Lack]:
    settings, free = survey.settings, survey.free
    if settings["wal_level"] != "logical":
        yield Lack(
            f"wal_level is {settings['wal_level']}",
            "changes are replicated while the service goes on",
            (_set("wal_level", "logical"),),
            restart=True,
        )
    # A moved service's way back takes one, too: the shared database notes there how far it is.
    wanted = {"slots": 2 * services + references + _SPARE, "senders": services + references + _SPARE}
    for kind, name in (("slots", "max_replication_slots"), ("senders", "max_wal_senders")):
        short = wanted[kind] - free[kind]
        if short > 0:
            yield Lack(
                f"{name} is {settings[name]}, {free[kind]} free",
                f"{wanted[kind]} for {services} services",
                (_set(name, int(settings[name]) + short),),
                restart=True,
            )
    workers = services + 2
    most = int(settings["max_logical_replication_workers"])
    if most < workers:
        yield Lack(
            f"max_logical_replication_workers is {most}",
            "the shared database follows every service that has moved, for the way back",
            (_set("max_logical_replication_workers", workers),),
            restart=True,
        )
    processes, needed = int(settings["max_worker_processes"]), max(most, workers) + 8
    if processes < needed:
        yield Lack(
            f"max_worker_processes is {processes}",
            "logical replication's workers are among them",
            (_set("max_worker_processes", needed),),
            restart=True,
        )
    retry = int(settings["wal_retrieve_retry_interval"])
    if retry > GateLimits().retry_seconds * 1000:
        yield Lack(
            f"wal_retrieve_retry_interval is {retry / 1000:g} s",
            "a subscription waits that long to be started again, inside a switch's pause",
            (_set("wal_retrieve_retry_interval", _RETRY), "SELECT pg_reload_conf();"),
        )


def _statements_counted(survey: Survey) -> Iterator[Lack]:
    why = "`queries` finds statements that cross services with it; let a working day pass"
    create = f"CREATE EXTENSION IF NOT EXISTS {LIBRARY};"
    if not survey.loads_statements:
        present = survey.settings.get("shared_preload_libraries", "")
        libraries = [part.strip().strip('"') for part in present.split(",") if part.strip()]
        yield Lack(
            f"{LIBRARY} is not loaded",
            why,
            (_set("shared_preload_libraries", *libraries, LIBRARY), create),
            restart=True,
        )
    elif not survey.counts_statements:
        yield Lack(f"{LIBRARY} is loaded and not made here", why, (create,))


def _locks(survey: Survey) -> Iterator[Lack]:
    tables, slots = len(survey.catalog.tables), survey.catalog.server.lock_slots
    each = int(survey.settings["max_locks_per_transaction"])
    if slots and tables > slots:
        yield Lack(
            f"room for {slots:,} locks, and {tables:,} tables",
            "a dump locks all at once",
            (_set("max_locks_per_transaction", -(-tables // (slots // each)) + each),),
            restart=True,
        )


def _administrator(draft: Draft, source: Database) -> Iterator[Lack]:
    server = draft.survey.server
    if server.superuser:
        return
    role = sql.Identifier(server.role)
    owners = sorted({draft.owner(service.names.schema) for service in draft.services} - {server.role})
    grants = [_text("ALTER ROLE {} REPLICATION CREATEROLE BYPASSRLS;", role)]
    grants += [_text("GRANT {} TO {};", sql.Identifier(owner), role) for owner in owners]
    grants.append(_text("GRANT pg_monitor, pg_read_all_data, pg_signal_backend TO {};", role))
    grants.append(_text("GRANT CREATE ON DATABASE {} TO {};", sql.Identifier(source.endpoint.database), role))
    if server.major >= 16:
        grants.append(_text("GRANT pg_create_subscription TO {};", role))
    yield Lack(
        f"{server.role} is no superuser",
        "a superuser is simplest; else it needs these, and changes of the schema are noticed later",
        tuple(grants),
    )


def _application(draft: Draft) -> Iterator[Lack]:
    if draft.application_there:
        return
    role = sql.Identifier(draft.application)
    made = [_text("CREATE ROLE {} LOGIN;", role)]
    for service in draft.services:
        schema = sql.Identifier(service.names.schema)
        made += [
            _text("GRANT USAGE ON SCHEMA {} TO {};", schema, role),
            _text("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {} TO {};", schema, role),
            _text("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {} TO {};", schema, role),
        ]
    yield Lack(
        f"no role {draft.application}",
        "the gateways log in with a common role of the services; give it a password with psql's"
        f" \\password {draft.application}, or name another with --application",
        tuple(made),
    )


def _hba(survey: Survey, source: Database) -> Iterator[Lack]:
    if survey.admitting_lines:
        return
    seen = (
        "pg_hba.conf cannot be seen from here"
        if survey.admitting_lines is None
        else ("no line of pg_hba.conf lets a role that is made for the move in")
    )
    kind = "hostssl" if survey.encrypted else "host"
    database = source.endpoint.database
    quoted = database if database.replace("_", "").isalnum() else '"' + database + '"'
    yield Lack(
        seen,
        "its own server follows the shared one as waqiti_<service>_forward_<database>, over TCP",
        ("SELECT pg_reload_conf();",),
        (f"{kind} {quoted} all 127.0.0.1/32 scram-sha-256",),
    )


def _set(name: str, *values: object) -> str:
    """`ALTER SYSTEM SET`; a list has each of its parts quoted alone."""
    texts = sql.SQL(", ").join(sql.Literal(str(value)) for value in values)
    return sql.SQL("ALTER SYSTEM SET {} = {};").format(sql.Identifier(name), texts).as_string()


def _text(template: LiteralString, *parts: sql.Identifier) -> str:
    return sql.SQL(template).format(*parts).as_string()


def as_paste(lacks: Sequence[Lack]) -> Iterator[str]:
    """The list for a terminal: what and why as comments, then what to paste."""
    for lack in lacks:
        after = "; restart the server after it" if lack.restart else ""
        yield f"-- {lack.what}: {lack.why}{after}"
        yield from (f"-- add to pg_hba.conf:  {line}" for line in lack.lines)
        yield from lack.statements
