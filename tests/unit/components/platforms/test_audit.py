"""What pgaudit is told to log in log_statement's place."""

from __future__ import annotations

import pytest

from components.platforms.audit import by_pgaudit, is_by_pgaudit

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("statements", "classes"),
    [("all", "all"), ("mod", "ddl, role, write"), ("ddl", "ddl, role"), ("none", "none"), ("ALL", "all")],
)
def test_pgaudit_logs_what_log_statement_would(statements: str, classes: str) -> None:
    parameters = by_pgaudit({"log_statement": statements})
    assert parameters["pgaudit.log"] == classes
    assert parameters["log_statement"] == "none"


def test_pgaudit_is_loaded_beside_what_is_loaded_already() -> None:
    assert by_pgaudit({"shared_preload_libraries": "pg_stat_statements"})["shared_preload_libraries"] == (
        "pg_stat_statements, pgaudit"
    )
    assert is_by_pgaudit(by_pgaudit({}))
    assert not is_by_pgaudit({"shared_preload_libraries": "pg_stat_statements"})


def test_a_services_own_settings_of_pgaudit_win() -> None:
    parameters = by_pgaudit({"log_statement": "all", "pgaudit.log": "write", "pgaudit.log_parameter": "off"})
    assert parameters["pgaudit.log"] == "write"
    assert parameters["pgaudit.log_parameter"] == "off"


def test_what_has_pgaudit_already_does_not_change() -> None:
    once = by_pgaudit({"log_statement": "mod"})
    assert by_pgaudit({**once, "log_statement": "mod"}) == once
