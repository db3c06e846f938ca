"""Takes a case through the product, verb by verb as a user would, and compares both sides by itself."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
from psycopg import sql

from core.observer import Observer, Point
from core.sessions.connections import Database
from core.sessions.session import Connection
from migration.__main__ import main
from tests.support.case_files import Case
from tests.support.clusters import Cluster, Clusters
from tests.support.moves import APPLICATION, SECRETS, World, world
from tests.support.writer import Writer

_SECONDS = 30.0
_ROW_SECURITY = re.compile(r"services: (\w+): rowSecurity: (\w+)")
_SETTINGS = (
    "SET search_path = pg_catalog",
    "SET datestyle = 'ISO, YMD'",
    "SET timezone = 'UTC'",
    "SET extra_float_digits = 3",
    "SET bytea_output = hex",
    "SET intervalstyle = iso_8601",
    "SET statement_timeout = 0",
)
_RIGHTS = """
CREATE SCHEMA {schema};
GRANT USAGE, CREATE ON SCHEMA {schema} TO {application};
"""
_DEFAULTS = """
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {application};
ALTER DEFAULT PRIVILEGES GRANT USAGE, SELECT ON SEQUENCES TO {application};
"""
_TABLES = """
SELECT n.nspname, c.relname, array_agg(a.attname::text ORDER BY a.attnum)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'm') AND (c.relkind = 'r' OR c.relispopulated)
 GROUP BY n.nspname, c.relname
"""
_CONTENT = sql.SQL("SELECT count(*), md5(string_agg(v, '' ORDER BY v)) FROM (SELECT {} AS v FROM ONLY {}) s")


class _CaseWriter(Writer):
    def _write(self, connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
        connection.execute(self._statement.replace("$N", name.rpartition("-")[2].partition("@")[0]).encode())


def run_case(case: Case, clusters: Clusters, folder: Path) -> None:
    """Raises AssertionError for whatever a user would call a fault."""
    source, target = clusters.get("source", case.source), clusters.get("target", case.target)
    with _parameters(source, case.parameters), _made(case, source, target, folder) as made:
        Run(case, made, source, target).all()


@contextlib.contextmanager
def _made(case: Case, source: Cluster, target: Cluster, folder: Path) -> Iterator[World]:
    with world(
        folder, source, target, services=case.services, script=_script(case), crossing=(), ddl=True
    ) as made:
        try:
            for name in case.services if case.late else ():
                _execute(target.database(made.contract.services[name].instance.database), case.late)
            yield made
        finally:
            _execute(source.database(), f"ALTER ROLE {APPLICATION.name} RESET ALL")
            for service in made.contract.services.values():
                _execute(target.database(), f"ALTER ROLE {service.service.name} NOBYPASSRLS")


def _script(case: Case) -> str:
    application = APPLICATION.name
    schemas = (_RIGHTS.format(schema=f"{name}_schema", application=application) for name in case.services)
    return "".join((*schemas, _DEFAULTS.format(application=application), case.setup))


@contextlib.contextmanager
def _parameters(cluster: Cluster, parameters: dict[str, str]) -> Iterator[None]:
    """Parameters of a whole server, as long as a case lasts."""
    reload = "SELECT pg_reload_conf()"
    try:
        for name, value in parameters.items():
            _execute(cluster.database(), f"ALTER SYSTEM SET {name} = '{value}'")
        if parameters:
            _execute(cluster.database(), reload)
        yield
    finally:
        for name in parameters:
            _execute(cluster.database(), f"ALTER SYSTEM RESET {name}")
        if parameters:
            _execute(cluster.database(), reload)


def _execute(database: Database, script: str) -> None:
    """As a user of psql would, in a session that has none of our settings."""
    with psycopg.connect(database.conninfo(), autocommit=True, application_name="psql") as session:
        session.execute(script.encode())


class Run:
    """A case under way."""

    def __init__(self, case: Case, made: World, source: Cluster, target: Cluster | None = None) -> None:
        self.case, self.made, self.target = case, made, target
        self.name = case.services[0]
        self.source = source.database(made.source.endpoint.database)
        self.way = ("--stop-writes",) if case.flow == "offline" else ()

    def all(self) -> None:
        """Everything that the case says."""
        if not self.planned():
            return
        if self.case.flow == "plan":
            return
        if self.case.flow == "offline":
            self.succeeds("run", "--stop-writes", *self.case.services, "--yes")
            self.sides_are_equal()
            return
        with self._held(), contextlib.ExitStack() as writing:
            writer = self._writer()
            if writer is not None:
                writing.enter_context(writer)
                writer.wait_for_more()
            self.online(writer)

    def planned(self) -> bool:
        """Plans it, refused and remedied where the case says so; whether it goes on."""
        case = self.case
        if not case.refused:
            self.succeeds("plan", "--all", *self.way)
            return True
        code, out, said = self.verb("plan", "--all", "--json", *self.way)
        assert code not in {0, 70}, f"the plan takes it: {out}"
        _clean(out + said)
        lines = _problems(out)
        for pattern in case.refused:
            assert any(_matches(pattern, line) for line in lines), (
                f"nothing says {pattern!r}: {json.dumps(lines, indent=1)}"
            )
        for remedy in case.remedy:
            assert any(_flat(self._filled(remedy)) in _flat(line) for line in lines), (
                f"{self._filled(remedy)!r} is not printed: {json.dumps(lines, indent=1)}"
            )
            self.follow(self._filled(remedy))
        if case.remedy:
            self.succeeds("plan", "--all", *self.way)
        return bool(case.remedy)

    def follow(self, remedy: str) -> None:
        """A statement for the shared database, or what services.yaml is to say of row security."""
        said = _ROW_SECURITY.fullmatch(remedy)
        if said is None:
            _execute(self.source, remedy)
            return
        service = self.made.contract.services[said[1]].model_copy(update={"row_security": said[2]})
        services = {**self.made.contract.services, said[1]: service}
        contract = self.made.contract.model_copy(update={"services": services})
        self.made = replace(self.made, contract=contract)
        self.made.write_contract()
        word = "BYPASSRLS" if said[2] == "bypass" else "NOBYPASSRLS"
        assert self.target is not None, "the case has a decision for the own instance"
        # As `pulumi up` does.
        _execute(self.target.database(), f"ALTER ROLE {service.service.name} {word}")

    def online(self, writer: Writer | None) -> None:
        """start, verify, cutover, rollback, cutover, finish; compared after each."""
        names = self.case.services
        self.succeeds("start", *names, "--yes", observer=self)
        for script in self.case.during:
            _execute(self.source, self._filled(script))
        self.stopped_and_fixed()
        self.succeeds("verify", *names)
        self.succeeds("cutover", *names, "--yes")
        self._served(writer)
        for script in self.case.after:
            self.through_the_endpoint(script)
        self.sides_are_equal(writer)
        for script in self.case.own:
            assert self.target is not None, "the case has something for the own instance"
            own = self.made.contract.services[self.name].instance.database
            _execute(self.target.database(own), self._filled(script))
        self.succeeds("rollback", "--immediate", *names, "--yes")
        self._served(writer)
        self.sides_are_equal(writer)
        self.succeeds("cutover", *names, "--yes")
        self._served(writer)
        self.sides_are_equal(writer)
        if writer is not None:
            assert writer.failed == [], writer.failed[:3]
        self.succeeds("finish", *names, "--yes")
        self._served(writer)

    def stopped_and_fixed(self) -> None:
        """What happened meanwhile stops the cutover, in words; what they say to do helps."""
        if not self.case.stopped:
            return
        code, out, said = self.verb("cutover", *self.case.services, "--yes")
        assert code not in {0, 70}, out + said
        assert _matches(self.case.stopped, out + said), out + said
        for line in self.case.fix:
            verb, *arguments = line.split()
            if verb.islower():
                self.succeeds(verb, *arguments)
            else:
                _execute(self.source, self._filled(line))

    def reached(self, point: Point, step: str) -> None:
        """What somebody does while `start` copies (the run is its observer)."""
        scripts = {"create the schema": self.case.dumped, "copy from the slot's snapshot": self.case.copied}
        for script in scripts.get(step, ()) if point == "acted" else ():
            _execute(self.source, self._filled(script))

    def succeeds(self, *arguments: str, observer: Observer | None = None) -> str:
        """A verb that has to end well; returns its output."""
        code, out, said = self.verb(*arguments, observer=observer)
        assert code == 0, f"{' '.join(arguments)} ended with {code}:\n{out}\n{said}"
        _clean(out + said)
        return out

    def verb(self, *arguments: str, observer: Observer | None = None) -> tuple[int, str, str]:
        """Runs a verb in this process; returns its exit status and what it printed."""
        out, said = io.StringIO(), io.StringIO()
        environment = {"WAQITI_STATE_DIR": str(self.made.folder / "state"), "NO_COLOR": "1"}
        with (
            patch.dict(os.environ, environment),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(said),
        ):
            code = main([*arguments, "--contract", str(self.made.contract_file)], observer=observer)
        return code, out.getvalue(), said.getvalue()

    def through_the_endpoint(self, script: str) -> None:
        """Statements of an application."""
        with psycopg.connect(
            self.made.gated[self.name].endpoint.conninfo(),
            autocommit=True,
            prepare_threshold=None,
            application_name="an application",
        ) as application:
            for statement in self._filled(script).split(";"):
                if statement.strip():
                    application.execute(statement.encode())

    def sides_are_equal(self, writer: Writer | None = None) -> None:
        """Every value of every table, once what is written on one side has reached the other."""
        schemas = [f"{name}_schema" for name in self.case.services]
        deadline = time.monotonic() + _SECONDS
        with writer.quiet() if writer else contextlib.nullcontext():
            while (found := self._different(schemas)) and time.monotonic() < deadline:
                time.sleep(0.2)
        assert not found, found

    def _different(self, schemas: list[str]) -> list[str]:
        with contextlib.ExitStack() as sessions:
            there = sessions.enter_context(_reading(self.source))
            here = {name: sessions.enter_context(_reading(self._own(name))) for name in self.case.services}
            ours = _contents(there, schemas)
            theirs: dict[str, Any] = {}
            for name, session in here.items():
                theirs |= _contents(session, [f"{name}_schema"])
            found = [
                f"{table}: {ours.get(table)} in the shared database, {theirs.get(table)} in the own one"
                for table in sorted(ours.keys() | theirs.keys())
                if ours.get(table) != theirs.get(table)
            ]
            if self.case.check:
                one, two = (
                    session.execute(self.case.check.encode()).fetchall()
                    for session in (there, here[self.name])
                )
                found += [] if one == two else [f"{one} in the shared database, {two} in the own one"]
            return found

    def _own(self, name: str) -> Database:
        return self.made.target(name)

    def _filled(self, script: str) -> str:
        return script.replace("$DB", self.source.endpoint.database).replace("$APP", APPLICATION.name)

    def _writer(self) -> Writer | None:
        if not self.case.writer:
            return None
        return _CaseWriter(self.made.gated[self.name].endpoint, self.case.writer)

    def _served(self, writer: Writer | None) -> None:
        if writer is not None:
            writer.wait_for_more()

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        if not self.case.hold:
            yield
            return
        with psycopg.connect(self.source.conninfo(), autocommit=True, application_name="psql") as session:
            session.execute(self._filled(self.case.hold).encode())
            yield


@contextlib.contextmanager
def _reading(database: Database) -> Iterator[Connection]:
    with database.connect(application_name="a test") as session:
        for setting in _SETTINGS:
            session.execute(setting.encode())
        yield session


def _contents(session: Connection, schemas: list[str]) -> dict[str, Any]:
    """Tables and materialized views: how many rows, and one text that all their values make up."""
    held = {}
    for schema, name, columns in session.execute(_TABLES, [schemas]).fetchall():
        values: list[sql.Composable] = [
            sql.SQL("coalesce(md5({}::text), '')").format(sql.Identifier(name)) for name in columns if name
        ]
        row = sql.SQL(" || ").join([sql.SQL("''"), *values])
        table = sql.Identifier(schema, name)
        held[f"{schema}.{name}"] = session.execute(_CONTENT.format(row, table)).fetchone()
    return held


def _problems(printed: str) -> list[str]:
    """Every text in what `plan --json` prints."""
    texts: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, dict):
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(json.loads(printed))
    return texts


def _matches(pattern: str, line: str) -> bool:
    return re.search(_flat(pattern), _flat(line)) is not None


def _flat(text: str) -> str:
    return " ".join(text.split()).rstrip(";")


def _clean(printed: str) -> None:
    assert "Traceback" not in printed
    assert not [secret for secret in SECRETS if secret in printed]
