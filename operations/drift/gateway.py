"""A gateway: its settings in force and on disk, whom it admits, where it leads."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.contract import LocalGatewayControl, Service
from components.platforms.docker import gateway as docker
from components.platforms.local import gateway as local
from core.errors import GatewayFailed
from core.gateway.console import Console
from operations.drift.model import Declared, Difference
from operations.drift.session import up
from servers.errors import ServerError
from servers.pgbouncer_routes import Route, read_routes

_CHECKED = (
    "pool_mode", "admin_users", "stats_users", "auth_type", "server_tls_sslmode", "max_client_conn",
    "default_pool_size", "max_db_connections", "min_pool_size", "reserve_pool_size", "max_user_connections",
    "auth_query", "auth_user", "server_reset_query_always", "idle_transaction_timeout", "query_timeout",
    "listen_port",
)  # fmt: skip
"""Settings that matter though nothing is declared of them: their default is meant."""


def check(declared: Declared, service: Service) -> Iterator[Difference]:
    """Everything of the gateway that is not as it was declared."""
    props = declared.one("local:Gateway", "docker:GatewayFiles")
    if props is None:
        return
    yield from _files(declared, props)
    try:
        with Console(service.gateway_control, f"the gateway of {service.name}") as console:
            settings = {row["key"]: row for row in console.show("config")}
            databases = console.show("databases")
    except GatewayFailed as error:
        yield Difference(service.name, "gateway", "runs", str(error), "its console", up(declared))
        return
    yield from _settings(declared, props, settings)
    yield from _routes(declared, props, service.gateway_control, databases)


def _settings(
    declared: Declared, props: Mapping[str, Any], found: Mapping[str, Mapping[str, str]]
) -> Iterator[Difference]:
    written = _written(props)
    want = {**local.SETTINGS, **{str(key): str(value) for key, value in props["settings"].items()}}
    for name in dict.fromkeys([*want, *_CHECKED]):
        row = found.get(name)
        if row is None:
            continue
        wanted = want.get(name, written.get(name, row["default"]) if name not in want else "")
        if name not in want and name not in _OURS:
            wanted = row["default"]
        if _same(row["value"], wanted):
            continue
        on_disk = _same(written.get(name, row["default"]), wanted)
        origin = "set at its console" if on_disk else "pgbouncer.ini"
        mend = _reload(declared, props) if on_disk else up(declared)
        yield Difference(
            declared.service,
            f"gateway's {name}",
            wanted or "(empty)",
            row["value"] or "(empty)",
            origin,
            mend,
        )


_OURS = frozenset({"auth_type", "listen_port", "server_tls_sslmode"})
"""Written by the program, whatever is declared."""


def _files(declared: Declared, props: Mapping[str, Any]) -> Iterator[Difference]:
    folder, mend = Path(props["folder"]), up(declared)
    lines = docker.hba_lines if declared.platform == "docker" else local.hba_lines
    want = {" ".join(line.split()) for line in lines(props)}
    found = {" ".join(line.split()) for line in _text(folder / "hba.conf").splitlines() if line.strip()}
    for line in sorted(found ^ want):
        states = ("no such line", line) if line in found else (line, "no such line")
        yield Difference(declared.service, "gateway's hba.conf", *states, str(folder / "hba.conf"), mend)
    users = local.users(props)
    there = dict(re.findall(r'^"((?:[^"]|"")*)" "((?:[^"]|"")*)"', _text(folder / "users.txt"), re.MULTILINE))
    for name in sorted({*users, *there}):
        if users.get(name) != there.get(name):
            states = ("the stack's" if name in users else "none", "another" if name in there else "none")
            what = f"gateway's password of {name}"
            yield Difference(declared.service, what, *states, str(folder / "users.txt"), mend)


def _routes(
    declared: Declared,
    props: Mapping[str, Any],
    control: LocalGatewayControl,
    databases: list[Mapping[str, str]],
) -> Iterator[Difference]:
    try:
        route = read_routes(Path(control.routes))
    except ServerError as error:
        yield Difference(
            declared.service, "gateway's routes", "a route", str(error), control.routes, up(declared)
        )
        return
    if route is None:
        yield Difference(
            declared.service, "gateway's routes", "a route", "none", control.routes, up(declared)
        )
        return
    want, whither = _meant(declared, props, route)
    for key, (wanted, written) in want.items():
        if wanted != written:
            yield Difference(
                declared.service,
                f"gateway's route: {key}",
                wanted,
                written,
                control.routes,
                up(declared) if route.leads_to == "source" else _resume(declared),
            )
    entry = next((row for row in databases if row["name"] == props["database"]), None)
    in_force = entry and (entry["host"], entry["port"], entry["database"])
    if in_force != (route.host, str(route.port), route.dbname):
        found = "/".join(map(str, in_force)) if in_force else "no such database"
        wanted = f"{route.host}/{route.port}/{route.dbname} ({whither})"
        reload = _reload(declared, props)
        yield Difference(
            declared.service, "gateway's route in force", wanted, found, "not read since it changed", reload
        )
    for row in databases:
        if row["name"] in (props["database"], "pgbouncer", *(d.database for d in [route.ddl] if d)):
            for state in ("paused", "disabled"):
                if row.get(state, "0") != "0":
                    yield Difference(
                        declared.service,
                        f"gateway's database {row['name']}",
                        "open",
                        state,
                        "at its console",
                        _console(declared, props, f"RESUME {row['name']}"),
                    )
        else:
            yield Difference(
                declared.service,
                f"gateway's database {row['name']}",
                "none",
                f"leads to {row['host']}",
                "pgbouncer.ini or routes.ini",
                up(declared),
            )


def _meant(
    declared: Declared, props: Mapping[str, Any], route: Route
) -> tuple[dict[str, tuple[str, str]], str]:
    if route.leads_to == "source":
        source = local.route_to_source(props)
        return {
            "host": (source.host, route.host),
            "port": (str(source.port), str(route.port)),
            "database": (source.dbname, route.dbname),
            "role": (source.user or "", route.user or ""),
            "password": ("the shared database's", _word(source.password == route.password)),
        }, "the shared database"
    given = declared.one("pulumi:providers:postgresql") or {}
    return {
        "port": (str(int(declared.instance["port"])), str(route.port)),
        "database": (declared.database, route.dbname),
        "host": (str(given.get("host")), route.host),
    }, "its own database"


def _resume(declared: Declared) -> str:
    return f"python -m migration resume --stack {declared.stack}"


def _word(same: bool) -> str:
    return "the shared database's" if same else "another"


def _written(props: Mapping[str, Any]) -> dict[str, str]:
    text = _text(Path(props["folder"]) / "pgbouncer.ini")
    return dict(re.findall(r"^\s*(\w+)\s*=\s*(.*?)\s*$", text, re.MULTILINE))


def _same(found: str, wanted: str) -> bool:
    def plain(text: str) -> str:
        return re.sub(r"\.0+$", "", text.strip().strip("'"))

    return plain(found) == plain(wanted)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _reload(declared: Declared, props: Mapping[str, Any]) -> str:
    return _signal(declared, props, "HUP")


def _console(declared: Declared, props: Mapping[str, Any], command: str) -> str:
    """At the gateway's console, whose password is read where the gateway reads it."""
    program = declared.instance.get("binaries")
    psql = f"{program}/psql" if program else "psql"
    word = f'sed -n \'s/^"{local.ADMINISTRATOR}" "\\(.*\\)"$/\\1/p\' {props["folder"]}/users.txt'
    where = f"-h {props['sockets']} -p {int(props['port'])} -U {local.ADMINISTRATOR}"
    return f'PGPASSWORD="$({word})" {psql} {where} -d pgbouncer -c {shlex.quote(command)}'


def _signal(declared: Declared, props: Mapping[str, Any], name: str) -> str:
    if declared.platform == "docker":
        container = (declared.one("docker:Gateway") or {}).get("container", "?")
        return f"docker kill --signal {name} {container}"
    return f"kill -{name} $(cat {props['folder']}/pgbouncer.pid)"
