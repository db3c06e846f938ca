"""What `python -m migration config` prints, read back by the programs whose format it is."""

from __future__ import annotations

import ast
import configparser
import subprocess
from dataclasses import replace
from typing import Any

import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

from migration.applications.connecting import Connecting
from migration.applications.formats import FORMATS, jdbc_url, rendered

pytestmark = pytest.mark.unit

USER = Connecting(
    service="user",
    host="postgres-user",
    address="127.0.0.1",
    port=5433,
    database="waqiti_users",
    role="waqiti_user_service",
    variable="USER_DB_PASSWORD",
    sslmode="verify-full",
    certificate="/etc/ssl/waqiti.crt",
    maximum=20,
    idle=5,
    connection_timeout=5.0,
    prepared=True,
    gateway="1.24.1",
    session=False,
    ddl_database="waqiti_users_ddl",
    ddl_role="waqiti_user_ddl",
    ddl_variable="USER_DB_DDL_PASSWORD",
)
OLD = replace(USER, prepared=False, gateway="1.18.0")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_person_is_told_where_the_password_is_and_what_the_name_is(kind: str) -> None:
    text = rendered(kind, USER)
    comment = FORMATS[kind].comment
    assert f"{comment} The password is in USER_DB_PASSWORD." in text
    assert "127.0.0.1 postgres-user" in text
    assert "postgres-user" in text


def test_spring_reads_its_keys() -> None:
    made = yaml.safe_load(rendered("spring", USER))["spring"]
    assert made["flyway"] == {
        "url": "jdbc:postgresql://postgres-user:5433/waqiti_users_ddl"
        "?sslmode=verify-full&sslrootcert=/etc/ssl/waqiti.crt",
        "user": "waqiti_user_ddl",
        "password": "${USER_DB_DDL_PASSWORD}",
    }
    source = made["datasource"]
    assert source["url"] == jdbc_url(USER)
    assert source["password"] == "${USER_DB_PASSWORD}"
    assert source["hikari"] == {
        "maximum-pool-size": 20,
        "minimum-idle": 5,
        "connection-timeout": 5000,
        "validation-timeout": 2500,
    }


def test_an_older_gateway_needs_statements_that_are_not_prepared() -> None:
    wanted = {
        "spring": "prepareThreshold=0",
        "properties": "prepareThreshold=0",
        "sqlalchemy": '"prepare_threshold": None',
        "pgx": "default_query_exec_mode=exec",
        "node": "prepare: false",
    }
    for kind, text in wanted.items():
        assert text in rendered(kind, OLD)
        assert text not in rendered(kind, USER)


def test_a_shell_and_libpq_read_theirs() -> None:
    said = subprocess.run(
        ["sh", "-c", f'{rendered("env", USER)}\necho "$PGHOST $PGPORT $PGPASSWORD $PGSSLROOTCERT"'],
        env={"USER_DB_PASSWORD": "a b"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said == "postgres-user 5433 a b /etc/ssl/waqiti.crt\n"
    section = configparser.ConfigParser()
    section.read_string(rendered("libpq", USER))
    pairs: dict[str, Any] = conninfo_to_dict(**dict(section["user"]))
    assert (pairs["host"], pairs["port"], pairs["dbname"]) == ("postgres-user", "5433", "waqiti_users")


def test_python_and_node_can_parse_theirs() -> None:
    ast.parse(rendered("sqlalchemy", USER))
    ast.parse(rendered("sqlalchemy", replace(OLD, certificate=None)))


def test_lib_pq_always_sends_a_statement_and_its_values_in_one_turn() -> None:
    assert "binary_parameters=yes" in rendered("pgx", USER)
    assert "binary_parameters" not in rendered("pgx", replace(USER, session=True))
