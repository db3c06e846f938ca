"""Statements as the parser sees them, and the lines of a server's log."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import LogUnreadable
from migration.parsing.statements import Named, named_in, normalized
from migration.traffic.logs import line_pattern, read_log

pytestmark = pytest.mark.unit


def relations(text: str) -> set[tuple[str | None, str, bool]]:
    return {(n.schema, n.name, n.written) for n in named_in(text) or () if n.use == "relation"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT * FROM a.t JOIN u ON true", {("a", "t", False), (None, "u", False)}),
        ("INSERT INTO a.t SELECT * FROM b.u", {("a", "t", True), ("b", "u", False)}),
        ("UPDATE a.t SET x = $1 FROM b.u WHERE t.id = u.id", {("a", "t", True), ("b", "u", False)}),
        ("DELETE FROM a.t USING b.u", {("a", "t", True), ("b", "u", False)}),
        ("MERGE INTO a.t USING b.u ON true WHEN MATCHED THEN DELETE", {("a", "t", True), ("b", "u", False)}),
        ("TRUNCATE a.t, b.u", {("a", "t", True), ("b", "u", True)}),
        ("COPY a.t FROM STDIN", {("a", "t", True)}),
        ("COPY (SELECT 1 FROM a.t) TO STDOUT", {("a", "t", False)}),
        (
            "WITH t AS (INSERT INTO a.t VALUES (1) RETURNING id) SELECT * FROM t, b.u",
            {("a", "t", True), ("b", "u", False)},
        ),
        ("SELECT (SELECT max(id) FROM b.u) FROM a.t", {("a", "t", False), ("b", "u", False)}),
        ("DO $$ BEGIN DELETE FROM a.t; END $$", {("a", "t", False)}),
        ("EXPLAIN SELECT 1 FROM a.t", {("a", "t", False)}),
        ("SELECT 1", set()),
    ],
)
def test_relations_are_found_with_what_is_written(
    text: str, found: set[tuple[str | None, str, bool]]
) -> None:
    assert relations(text) == found


@pytest.mark.parametrize(
    "text", ["LOCK TABLE a.t", "CREATE TABLE a.t (x int)", "SET search_path = a", "BEGIN", "VACUUM a.t"]
)
def test_what_applications_do_not_run_is_left_out(text: str) -> None:
    assert named_in(text) is None


def test_routines_and_types_are_found() -> None:
    names = named_in("SELECT a.f(x), lower(y), $1::b.kind FROM c.t")
    assert names is not None
    assert {Named("a", "f", "routine"), Named(None, "lower", "routine"), Named("b", "kind", "type")} <= names


def test_a_statement_that_does_not_parse_still_names_what_it_qualifies() -> None:
    assert ("a", "t", False) in relations("SELECT broken FROM a.t WHERE (")


def test_values_are_blotted_out() -> None:
    text = normalized("SELECT *\n FROM a.t WHERE card = '4111 1111' AND n = 42")
    assert text == "SELECT * FROM a.t WHERE card = $1 AND n = $2"
    assert normalized("-- card 4111\nSELECT /* 4111 */ 1") == "SELECT $1"
    assert "4111" not in normalized("SELECT broken FROM a.t WHERE ( card = '4111 1111'")


@given(st.text(max_size=200))
def test_no_statement_is_too_odd(text: str) -> None:
    named_in(text)
    normalized(text)


@pytest.mark.parametrize(
    ("prefix", "line", "user", "database"),
    [
        ("%m [%p] ", "2026-11-24 10:00:00.000 UTC [123] LOG:  statement: SELECT 1", None, None),
        ("%m [%p] %q%u@%d ", "2026-11-24 10:00:00.000 UTC [1] app@shop LOG:  statement: SELECT 1",
         "app", "shop"),
        ("%t:%r:%u@%d:[%p]: ", "2026-11-24 10:00:00 UTC:10.0.0.1(5):app@shop:[9]: LOG:  statement: SELECT 1",
         "app", "shop"),
        ("<%-10u> ", "<app       > LOG:  statement: SELECT 1", "app       ", None),
    ],
)  # fmt: skip
def test_a_line_is_read_by_the_servers_own_prefix(
    prefix: str, line: str, user: str | None, database: str | None
) -> None:
    found = line_pattern(prefix).match(line)
    assert found is not None
    groups = found.groupdict()
    assert (groups.get("user"), groups.get("database")) == (user, database)
    assert found["message"] == "statement: SELECT 1"


def test_a_statement_over_several_lines_is_one(tmp_path: Path) -> None:
    log, at = tmp_path / "server.log", "2026-11-24 10:00:00 UTC"
    log.write_text(
        "T [1] app@shop LOG:  duration: 1.2 ms  execute <unnamed>: SELECT 1\n\tFROM a.t\n"
        "T [1] app@shop DETAIL:  Parameters: $1 = '4111'\n"
        "T [1] app@other LOG:  statement: SELECT 2 FROM a.t\n"
        "T [1] app@shop ERROR:  relation does not exist at character 15\n"
        "T [2] root@shop LOG:  statement: SELECT 3 FROM a.t\n".replace("T [", f"{at} [")
    )
    (found,) = read_log(log, "shop", "%t [%p] %u@%d ", frozenset({"root"}))
    assert (found.text, found.role, found.calls) == ("SELECT $1 FROM a.t", "app", 1)


def test_a_file_that_is_no_log_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("hello\nworld\n")
    with pytest.raises(LogUnreadable, match="log_line_prefix"):
        read_log(tmp_path / "x.log", "shop", "%m [%p] ", frozenset())
    with pytest.raises(LogUnreadable, match="No such file"):
        read_log(tmp_path / "absent.log", "shop", "%m [%p] ", frozenset())
