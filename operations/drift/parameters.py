"""Parameters in force against those that were declared: files, ALTER SYSTEM, command line, restarts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from psycopg import sql

from core.sessions.queries import queries
from core.sessions.session import Connection
from operations.drift.model import Declared, Difference
from operations.drift.session import run, up

query = queries(__package__)

_INITDB = frozenset({
    "max_connections", "shared_buffers", "dynamic_shared_memory_type", "max_wal_size", "min_wal_size",
    "log_timezone", "datestyle", "timezone", "lc_messages", "lc_monetary", "lc_numeric", "lc_time",
    "default_text_search_config", "listen_addresses", "port", "unix_socket_directories",
})  # fmt: skip
"""What initdb writes into postgresql.conf, and the program into its own file, undeclared."""
_SYNCHRONOUS, _RECEIVER = "synchronous_standby_names", "barman_receive_wal"
_OF_ROLES = frozenset({"user", "database", "database user"})
_UNITS = {
    "B": 1, "kB": 1024, "8kB": 8192, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4,
    "us": 1, "ms": 1000, "s": 10**6, "min": 60 * 10**6, "h": 3600 * 10**6, "d": 86400 * 10**6,
}  # fmt: skip
_NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")
_TRUE = frozenset({"on", "true", "yes", "1"})


def check(declared: Declared, connection: Connection) -> Iterator[Difference]:
    """Every parameter whose value in force, or after the next restart, is not the declared one."""
    wanted = {str(name).lower(): str(value) for name, value in declared.instance["parameters"].items()}
    rows = connection.execute(
        query("parameters"), {"names": list(declared.instance["parameters"])}
    ).fetchall()
    for name, setting, unit, kind, source, file, line, pending, in_file, of_file in rows:
        want, value = wanted.get(name.lower()), _shown(setting, unit)
        if name == _SYNCHRONOUS and want is None and _RECEIVER in (in_file or setting):
            continue  # the supervisor's of its backups, which makes it and takes it back
        if source in _OF_ROLES and (in_file is None or in_file == want):
            continue  # what the administrator's own sessions begin with, compared with the roles'
        differs = want is not None and not same(want, setting, unit, kind)
        found, origin, mend = value, f"{file}:{line}" if file else source, up(declared)
        if of_file and of_file.endswith("postgresql.auto.conf"):
            reset = sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(*name.split(".")))
            found, origin = in_file, "ALTER SYSTEM (postgresql.auto.conf)"
            mend = f"{run(declared, reset)} && {run(declared, _RELOAD)}"
        elif pending and want is not None:
            found, origin = f"{value}, {in_file} after a restart", f"{of_file}, not in force yet"
        elif want is None and _strange(name, source):
            found, mend = in_file or value, _unset(declared, name, of_file)
        elif not differs:
            continue
        yield _difference(declared, name, want, found=found, origin=origin, mend=mend)


_RELOAD = sql.SQL("SELECT pg_reload_conf()")


def same(declared: str, setting: str, unit: str | None, kind: str) -> bool:
    """Whether a value as postgresql.conf spells it is what pg_settings shows in its unit."""
    if kind == "bool":
        return (declared.lower() in _TRUE) == (setting.lower() in _TRUE)
    if kind in ("integer", "real"):
        number = _NUMBER.fullmatch(declared)
        if number is None:
            return declared == setting
        octal = re.fullmatch(r"0[0-7]+", declared) is not None  # log_file_mode
        value = float(int(declared, 8)) if octal else float(number[1])
        if number[2] and unit:
            count = _NUMBER.fullmatch(unit)  # 8kB has a number of its own
            one = _UNITS.get(unit) or (float(count[1]) * _UNITS[count[2]] if count else 1)
            value = value * _UNITS[number[2]] / one
        return abs(value - float(setting)) <= (0.5 if kind == "integer" else 1e-9 * max(1.0, abs(value)))
    if kind == "enum":
        return declared.lower() == setting.lower()
    return _words(declared) == _words(setting)


def _words(text: str) -> list[str]:
    return [word.strip().strip('"') for word in text.split(",")]


def _strange(name: str, source: str) -> bool:
    if source not in ("configuration file", "command line") or name.lower() in _INITDB:
        return False
    own = {"ssl", "ssl_cert_file", "ssl_key_file", "log_directory", "logging_collector", "log_filename",
           "log_rotation_age", "log_rotation_size", "log_truncate_on_rotation", "log_file_mode", "hba_file",
           "ident_file", "config_file", "data_directory", "external_pid_file", "log_destination"}  # fmt: skip
    return name.lower() not in own


def _unset(declared: Declared, name: str, file: str | None) -> str:
    if file is None:
        return up(declared)
    return f"sed -i '/^[[:space:]]*{re.escape(name)}[[:space:]=]/d' {file} && {run(declared, _RELOAD)}"


def _difference(
    declared: Declared, name: str, want: str | None, *, found: Any, origin: str, mend: str
) -> Difference:
    return Difference(declared.service, f"parameter {name}", want or "(default)", str(found), origin, mend)


def _shown(setting: str, unit: str | None) -> str:
    return f"{setting} x {unit}" if unit and unit[0].isdigit() else f"{setting}{unit or ''}"
