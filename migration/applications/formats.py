"""How each kind of configuration says where a service's database is. Pure; no password is in any of them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from migration.applications.connecting import Connecting

VALIDATION_MILLISECONDS = 5_000
"""HikariCP's default, which has to be below its connection-timeout."""
_LEAST_VALIDATION = 250


@dataclass(frozen=True)
class Format:
    """One kind of configuration."""

    suffix: str
    """Of the file that holds it."""
    comment: str
    """What a line that is for people begins with."""
    render: Callable[[Connecting], str]


def rendered(kind: str, to: Connecting) -> str:
    """The configuration, with what a person has to know before it. `kind` is a key of FORMATS."""
    made = FORMATS[kind]
    notes = "".join(f"{made.comment} {line}\n" for line in _notes(to))
    return f"{notes}{made.render(to)}"


_DRAWN = (
    "pulumi stack output contract --show-secrets --json | python3 -c 'import json, sys;"
    ' print(json.load(sys.stdin)["services"]["{service}"]["service"]["password"])\''
)


def _notes(to: Connecting) -> list[str]:
    lines = [
        f"{to.service}: {to.host}:{to.port}/{to.database}, before, during and after the move.",
        f"The password is in {to.variable}. One that the stack drew is read by",
        f"  {_DRAWN.format(service=to.service)}",
    ]
    if to.address:
        lines.append(f"Where that name does not resolve, a line of /etc/hosts: {to.address} {to.host}")
    if not to.prepared:
        lines.append(
            f"PgBouncer there is {to.gateway}: before 1.22, statements must not be prepared on the server."
        )
    return lines


def jdbc_url(to: Connecting) -> str:
    """pgjdbc's: https://jdbc.postgresql.org/documentation/use/"""
    given = _jdbc_tls(to) | {"ApplicationName": to.service}
    if not to.prepared:
        given["prepareThreshold"] = "0"
    return f"jdbc:postgresql://{to.host}:{to.port}/{to.database}?{_query(given)}"


def _jdbc_tls(to: Connecting) -> dict[str, str]:
    return {"sslmode": to.sslmode, **({"sslrootcert": to.certificate} if to.certificate else {})}


def _flyway_keys(to: Connecting) -> dict[str, str]:
    """Schema migrations have a login and sessions of their own: docs/schema-migrations.md."""
    if to.ddl_database is None:
        return {}
    return {
        "spring.flyway.url": f"jdbc:postgresql://{to.host}:{to.port}/{to.ddl_database}?{_query(_jdbc_tls(to))}",
        "spring.flyway.user": to.ddl_role,
        "spring.flyway.password": f"${{{to.ddl_variable}}}",
    }


def spring_keys(to: Connecting) -> Mapping[str, str | int]:
    """https://docs.spring.io/spring-boot/appendix/application-properties/; times in milliseconds."""
    wait = round(to.connection_timeout * 1000)
    return {
        "spring.datasource.url": jdbc_url(to),
        "spring.datasource.username": to.role,
        "spring.datasource.password": f"${{{to.variable}}}",
        "spring.datasource.hikari.maximum-pool-size": to.maximum,
        "spring.datasource.hikari.minimum-idle": to.idle,
        "spring.datasource.hikari.connection-timeout": wait,
        "spring.datasource.hikari.validation-timeout": max(
            _LEAST_VALIDATION, min(VALIDATION_MILLISECONDS, wait // 2)
        ),
        **_flyway_keys(to),
    }


def _properties(to: Connecting) -> str:
    return "".join(f"{key}={value}\n" for key, value in spring_keys(to).items())


def _spring(to: Connecting) -> str:
    lines: list[str] = []
    above: list[str] = []
    for key, value in spring_keys(to).items():
        *folders, name = key.split(".")
        shared = 0
        while shared < min(len(folders), len(above)) and folders[shared] == above[shared]:
            shared += 1
        lines += [f"{'  ' * depth}{folders[depth]}:\n" for depth in range(shared, len(folders))]
        lines.append(f"{'  ' * len(folders)}{name}: {_yaml(value)}\n")
        above = folders
    return "".join(lines)


def _yaml(value: str | int) -> str:
    return str(value) if isinstance(value, int) else f'"{value}"'


def _libpq_pairs(to: Connecting) -> dict[str, str]:
    pairs = {
        "host": to.host,
        "port": str(to.port),
        "dbname": to.database,
        "user": to.role,
        "sslmode": to.sslmode,
    }
    if to.certificate:
        pairs["sslrootcert"] = to.certificate
    return {**pairs, "application_name": to.service}


_PG_NAMES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "application_name": "PGAPPNAME",
}


def _environment(to: Connecting) -> str:
    lines = [f"export {_PG_NAMES[key]}={shlex.quote(value)}\n" for key, value in _libpq_pairs(to).items()]
    return "".join([*lines, f'export PGPASSWORD="${{{to.variable}:?}}"\n'])


def _libpq(to: Connecting) -> str:
    """A section of pg_service.conf, which psql, psycopg and every other libpq take as `service=`."""
    lines = [f"{key}={value}\n" for key, value in _libpq_pairs(to).items()]
    return "".join([f"[{to.service}]\n", *lines])


def _sqlalchemy(to: Connecting) -> str:
    tls = f'"sslmode": "{to.sslmode}"' + (f', "sslrootcert": "{to.certificate}"' if to.certificate else "")
    prepare = "" if to.prepared else ', "prepare_threshold": None'
    return f"""\
import os

from sqlalchemy import URL, create_engine

engine = create_engine(
    URL.create(
        "postgresql+psycopg",
        username="{to.role}",
        password=os.environ["{to.variable}"],
        host="{to.host}",
        port={to.port},
        database="{to.database}",
    ),
    connect_args={{{tls}, "application_name": "{to.service}"{prepare}}},
    pool_size={to.maximum},
    max_overflow=0,
    pool_timeout={to.connection_timeout:g},
    pool_pre_ping=True,
)
"""


def _url(to: Connecting, given: Mapping[str, str]) -> str:
    tls = {"sslmode": to.sslmode, **({"sslrootcert": to.certificate} if to.certificate else {})}
    query = _query({**tls, "application_name": to.service, **given})
    return f"@{to.host}:{to.port}/{to.database}?{query}"


def _pgx(to: Connecting) -> str:
    pool = {"pool_max_conns": str(to.maximum), "pool_min_conns": str(min(to.idle, to.maximum))}
    mode = {} if to.prepared else {"default_query_exec_mode": "exec"}
    return f"""\
// pgx, with its pool:
pgxURL := "postgres://{to.role}:" + url.QueryEscape(os.Getenv("{to.variable}")) + "{
        _url(to, {**pool, **mode})
    }"
// lib/pq, which by default sends a statement and its values in two turns:
pqURL := "postgres://{to.role}:" + url.QueryEscape(os.Getenv("{to.variable}")) + "{
        _url(to, {} if to.session else {"binary_parameters": "yes"})
    }"
"""


def _node(to: Connecting) -> str:
    authority = (
        f'ssl: {{ ca: require("fs").readFileSync("{to.certificate}", "utf8"), servername: "{to.host}" }},\n  '
        if to.certificate
        else "ssl: true,\n  "
    )
    tls = "" if to.sslmode == "disable" else authority
    other = "" if to.prepared else "// node-postgres: no `name` in a query; postgres.js: prepare: false\n"
    return f"""\
{other}const {{ Pool }} = require("pg");
const pool = new Pool({{
  host: "{to.host}",
  port: {to.port},
  database: "{to.database}",
  user: "{to.role}",
  password: process.env.{to.variable},
  {tls}application_name: "{to.service}",
  max: {to.maximum},
  connectionTimeoutMillis: {round(to.connection_timeout * 1000)},
}});
pool.on("error", (error) => console.error(error.message)); // an idle connection that was ended
"""


def _query(given: Mapping[str, str]) -> str:
    return urlencode(given, quote_via=quote, safe="/")


FORMATS: Mapping[str, Format] = {
    "spring": Format("yaml", "#", _spring),
    "properties": Format("properties", "#", _properties),
    "env": Format("env", "#", _environment),
    "libpq": Format("conf", "#", _libpq),
    "sqlalchemy": Format("py", "#", _sqlalchemy),
    "pgx": Format("go", "//", _pgx),
    "node": Format("js", "//", _node),
}
