"""What the verification says where tables, rights or the run itself are not as they should be."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from pydantic import SecretStr

from components.contract import Login
from core.errors import Interrupted, MigrationError, VerificationFailed
from core.progress.interface import Silent
from core.rows import digest
from core.sessions.connections import Database
from migration.catalog.tables import Sequence, SequenceName
from migration.verify.compare import compare
from migration.verify.model import Verification
from migration.verify.objects import compare_large_objects, compare_sequences
from tests.support.tables import tables_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

Pair = tuple[Database, Database]

TABLE = """
CREATE SCHEMA s;
CREATE TABLE s.t (id int PRIMARY KEY, v text);
INSERT INTO s.t SELECT g, 'v' || g FROM generate_series(1, 1000) g;
"""


@pytest.fixture
def pair(source_database: Database, target_database: Database) -> Pair:
    for database in (source_database, target_database):
        with database.connect() as connection:
            connection.execute(TABLE)
    return source_database, target_database


def verify(pair: Pair, stop: threading.Event | None = None, named_at_most: int = 100) -> Verification:
    return compare(
        *pair,
        tables_of(pair[0], "s"),
        source_snapshot=None,
        target_snapshot=None,
        workers=2,
        progress=Silent(),
        stop=stop or threading.Event(),
        named_at_most=named_at_most,
    )


def execute(database: Database, *statements: str) -> None:
    with database.connect() as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_a_table_that_is_missing_is_said(pair: Pair) -> None:
    execute(pair[1], "DROP TABLE s.t")
    (table,) = verify(pair).tables
    assert table.structure == ("s.t exists on the source only",)
    assert not table.equal


def test_columns_that_differ_are_said_and_the_others_are_compared(pair: Pair) -> None:
    execute(pair[1], "ALTER TABLE s.t ALTER v TYPE varchar(20), ADD extra int")
    execute(pair[1], "UPDATE s.t SET v = 'wrong' WHERE id = 5")
    (table,) = verify(pair).tables
    assert table.structure == (
        "s.t.v is text on the source and character varying(20) on the target",
        "s.t.extra is on the target only",
    )
    assert [d.key for d in table.differences] == [{"id": "5"}]


def test_another_order_of_columns_is_no_difference(pair: Pair) -> None:
    execute(
        pair[1],
        "ALTER TABLE s.t RENAME TO old",
        "CREATE TABLE s.t (v text, id int)",
        "INSERT INTO s.t SELECT v, id FROM s.old",
    )
    assert verify(pair).equal


def test_rows_that_are_there_twice_are_extra_also_where_no_key_forbids_it(pair: Pair) -> None:
    execute(pair[1], "ALTER TABLE s.t DROP CONSTRAINT t_pkey")
    execute(pair[1], "INSERT INTO s.t SELECT * FROM s.t WHERE id < 3")
    (table,) = verify(pair).tables
    assert [(d.kind, d.key) for d in table.differences] == [("extra", {"id": "1"}), ("extra", {"id": "2"})]


def test_a_table_wrong_all_over_is_named_in_part_and_counted(pair: Pair) -> None:
    execute(pair[1], "UPDATE s.t SET v = v || 'x'")
    (table,) = verify(pair, named_at_most=10).tables
    assert len(table.differences) + table.unnamed >= 10
    assert not table.equal


def test_the_message_names_rows_and_columns_and_no_other_values(pair: Pair) -> None:
    execute(pair[1], "UPDATE s.t SET v = 'a secret' WHERE id = 77")
    with pytest.raises(VerificationFailed, match=r"s\.t \(id=77\): changed in v") as raised:
        verify(pair).require()
    assert "secret" not in str(raised.value)
    assert "v77" not in str(raised.value)


def test_stopping_ends_it_and_says_so(pair: Pair) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        verify(pair, stop)


def test_an_export_that_ended_is_an_error_in_one_line(pair: Pair) -> None:
    with pytest.raises(MigrationError) as raised:
        compare(
            *pair,
            tables_of(pair[0], "s"),
            source_snapshot="00000003-00000002-1",
            target_snapshot=None,
            workers=2,
            progress=Silent(),
            stop=threading.Event(),
        )
    assert "\n" not in str(raised.value)


def test_rows_that_a_policy_hides_are_an_error_and_never_a_shorter_table(pair: Pair) -> None:
    name = f"{pair[1].endpoint.database}_reader"
    execute(
        pair[1],
        f"CREATE ROLE {name} LOGIN PASSWORD 'reader-password'",
        f"GRANT USAGE ON SCHEMA s TO {name}",
        f"GRANT SELECT ON s.t TO {name}",
        "ALTER TABLE s.t ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY p ON s.t TO {name} USING (id < 10)",
    )
    reader = dataclasses.replace(pair[1], login=Login(name=name, password=SecretStr("reader-password")))
    try:
        with pytest.raises(MigrationError, match="row-level security"):
            verify((pair[0], reader))
    finally:
        execute(pair[1], f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_servers_that_hash_differently_are_compared_by_md5(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    probes = iter([("UTF8", ["1"]), ("UTF8", ["2"])])
    monkeypatch.setattr(digest, "_probe", lambda connection: next(probes))
    verification = verify(pair)
    assert verification.digest == "md5"
    assert verification.equal
    execute(pair[1], "UPDATE s.t SET v = v || ' ' WHERE id = 3")
    probes = iter([("UTF8", ["1"]), ("UTF8", ["2"])])
    assert [d.key for d in verify(pair).differences] == [{"id": "3"}]


def test_a_rewrite_of_a_table_waits_until_the_comparison_ends(pair: Pair) -> None:
    with pair[0].connect() as connection:
        connection.execute("BEGIN; LOCK TABLE s.t IN ACCESS EXCLUSIVE MODE")
        blocked = threading.Thread(target=lambda: results.append(verify(pair)))
        results: list[Verification] = []
        blocked.start()
        blocked.join(0.5)
        assert blocked.is_alive()
        connection.execute("COMMIT")
        blocked.join()
    assert results[0].equal


def test_a_sequence_may_be_ahead_and_never_behind(pair: Pair) -> None:
    for database in pair:
        execute(database, "CREATE SEQUENCE s.up")
        execute(database, "CREATE SEQUENCE s.down INCREMENT -5 MINVALUE -1000 MAXVALUE 0")
        execute(database, "SELECT setval('s.up', 100)", "SELECT setval('s.down', -100)")
    sequences = [
        Sequence(SequenceName("s", name), 0, "bigint", 1, step, -1000, 1000, 1, False)
        for name, step in (("up", 1), ("down", -5), ("gone", 1))
    ]
    execute(pair[0], "CREATE SEQUENCE s.gone")
    assert compare_sequences(*pair, sequences) == ("sequence s.gone is missing on the target",)
    execute(pair[1], "SELECT setval('s.up', 120)", "SELECT setval('s.down', -120)")
    assert len(compare_sequences(*pair, sequences)) == 1
    execute(pair[1], "SELECT setval('s.up', 99)", "SELECT setval('s.down', -90)")
    assert compare_sequences(*pair, sequences)[:2] == (
        "sequence s.up would give 100 on the target, the source's next is 101",
        "sequence s.down would give -95 on the target, the source's next is -105",
    )


def test_large_objects_are_compared_to_the_last_byte(pair: Pair) -> None:
    for database in pair:
        execute(
            database,
            "SELECT lo_from_bytea(4001, convert_to(repeat('0123456789', 300000), 'UTF8'))",
            "SELECT lo_from_bytea(4002, '\\x00')",
            "SELECT lo_from_bytea(4003, '')",
        )
    oids = [4001, 4002, 4003, 4999]

    def problems() -> tuple[str, ...]:
        return compare_large_objects(*pair, oids, source_snapshot=None, target_snapshot=None)

    assert problems() == ()
    execute(pair[1], "SELECT lo_put(4001, 2999999, 'x')", "SELECT lo_unlink(4002)", "SELECT lo_create(4999)")
    assert problems() == (
        "large object 4001 differs",
        "large object 4002 is missing on the target",
        "large object 4999 is on the target only",
    )


# PostgreSQL's text holds no zero byte, and UTF-8 no lone surrogate.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
rows = st.lists(
    st.tuples(
        st.none() | texts,
        st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=4),
        st.none() | st.floats(),
        st.none() | st.lists(st.none() | texts, max_size=4),
    ),
    min_size=1,
    max_size=8,
)


@pytest.fixture(scope="module")
def any_rows(clusters: Any) -> Iterator[Pair]:
    made = [clusters.get("source", 15), clusters.get("target", 17)]
    databases = [cluster.new_database() for cluster in made]
    for database in databases:
        execute(
            database,
            "CREATE SCHEMA s",
            "CREATE TABLE s.t (id int PRIMARY KEY, a text, n numeric, f float8, l text[])",
        )
    yield databases[0], databases[1]
    for cluster, database in zip(made, databases, strict=True):
        cluster.drop_database(database)


def _as_text(value: Any) -> str:
    """What tells two values apart here: as PostgreSQL, NaN is itself, and 0 and -0 are not the same."""
    return repr(value.as_tuple()) if isinstance(value, Decimal) else repr(value)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=rows, other=rows, data=st.data())
def test_any_rows_are_equal_to_themselves_and_any_other_value_is_named(
    any_rows: Pair, held: list[tuple[Any, ...]], other: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    for database in any_rows:
        _fill(database, held)
    assert verify(any_rows).equal
    row = data.draw(st.integers(0, len(held) - 1))
    column = data.draw(st.integers(0, 3))
    value = other[0][column]
    if _as_text(value) == _as_text(held[row][column]):
        return
    name = ("a", "n", "f", "l")[column]
    with any_rows[1].connect() as connection:
        update = sql.SQL("UPDATE s.t SET {} = %s WHERE id = %s").format(sql.Identifier(name))
        connection.execute(update, [value, row])
    named = [(d.kind, d.key, d.columns) for d in verify(any_rows).differences]
    assert named == [("changed", {"id": str(row)}, (name,))]


def _fill(database: Database, held: list[tuple[Any, ...]]) -> None:
    with database.connect() as connection, connection.transaction():
        connection.execute("TRUNCATE s.t")
        connection.cursor().executemany(
            "INSERT INTO s.t VALUES (%s, %s, %s, %s, %s)",
            [(number, *values) for number, values in enumerate(held)],
        )
