"""Where the shared database is, from what a person writes after `--source`; the password comes another way.

No message repeats the text: it may hold a password, even where it should not.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Mapping
from typing import get_args

import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr, TypeAdapter, ValidationError

from components.catalogue.model import Host
from components.contract import Endpoint, Login
from components.settings.read import SOURCE_ADMIN_PASSWORD_VARIABLE
from core.sessions.connections import Database

SHAPE = "postgresql://ROLE@HOST:PORT/DATABASE"
_UNDERSTOOD = frozenset({"host", "hostaddr", "port", "dbname", "user", "sslmode", "sslrootcert"})
_MODES = get_args(Endpoint.model_fields["sslmode"].annotation)


def shared_database(text: str, variable: str | None) -> Database:
    """The database that `text` names, with the password from the environment, else asked for on a terminal.

    `variable` is the environment variable to take; by default SOURCE_DB_ADMIN_PASSWORD, then PGPASSWORD.
    Raises typer.BadParameter for what is no such address, or has a password in it.
    """
    endpoint, role = parse(text)
    login = Login(name=role, password=_password(role, variable, os.environ))
    return Database("shared database", "source", endpoint, login)


def parse(text: str) -> tuple[Endpoint, str]:
    """Endpoint and role of a URL or of libpq's `key=value` words. Raises typer.BadParameter."""
    try:
        given = {key: str(value) for key, value in conninfo_to_dict(text).items() if value not in {None, ""}}
    except psycopg.Error:
        raise typer.BadParameter(f"--source is no address of a database; write {SHAPE}") from None
    if "password" in given:
        raise typer.BadParameter(
            "--source has a password in it, which all users of this machine can read in the list of"
            f" processes; change it, write {SHAPE} and give the new one in {SOURCE_ADMIN_PASSWORD_VARIABLE}"
        )
    if unknown := sorted(set(given) - _UNDERSTOOD):
        raise typer.BadParameter(
            f"--source has {', '.join(unknown)}, which the stack's settings do not; leave it out"
        )
    for key, what in (("user", "role"), ("dbname", "database")):
        if key not in given:
            raise typer.BadParameter(f"--source names no {what}; write {SHAPE}")
    mode = given.get("sslmode", "verify-full" if "sslrootcert" in given else "prefer")
    if mode not in _MODES:
        raise typer.BadParameter(f"--source: sslmode is one of {', '.join(_MODES)}")
    endpoint = Endpoint(
        host=_host(given.get("host", "localhost")),
        address=given.get("hostaddr"),
        port=_port(given.get("port", "5432")),
        database=given["dbname"],
        sslmode=mode,  # type: ignore[arg-type]  # one of _MODES
        sslrootcert=os.path.abspath(given["sslrootcert"]) if "sslrootcert" in given else None,
    )
    return endpoint, given["user"]


def _host(text: str) -> str:
    try:
        return TypeAdapter(Host).validate_python(text.lower())
    except ValidationError:
        raise typer.BadParameter(
            "--source needs one host by name or IPv4 address: the services' servers and gateways connect"
            " there over TCP (another address of it can follow as ?hostaddr=...)"
        ) from None


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise typer.BadParameter("--source needs one port, from 1 to 65535")
    return int(text)


def _password(role: str, variable: str | None, environment: Mapping[str, str]) -> SecretStr:
    if variable is not None and variable not in environment:
        raise typer.BadParameter(f"the environment has no variable {variable}; export it")
    for name in (variable,) if variable is not None else (SOURCE_ADMIN_PASSWORD_VARIABLE, "PGPASSWORD"):
        if environment.get(name):
            return SecretStr(environment[name])
    if variable is None and sys.stdin.isatty():
        return SecretStr(getpass.getpass(f"Password of {role}: "))
    # libpq looks into ~/.pgpass then, and some servers ask for none.
    return SecretStr("")
