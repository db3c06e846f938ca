"""Nothing that can go wrong with a copy escapes the verification, and nothing right is called wrong."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from core.progress.interface import Silent
from core.sessions.connections import Database
from migration.verify.compare import compare
from migration.verify.model import Verification
from tests.support import faults
from tests.support.tables import tables_of
from tests.support.versions import every_version_pair

pytestmark = pytest.mark.integration


def verify(source: Database, target: Database, named_at_most: int = 100) -> Verification:
    return compare(
        source,
        target,
        tables_of(source, faults.SCHEMA),
        source_snapshot=None,
        target_snapshot=None,
        workers=2,
        progress=Silent(),
        stop=threading.Event(),
        named_at_most=named_at_most,
    )


@pytest.fixture
def two_equal(source_database: Database, target_database: Database) -> tuple[Database, Database]:
    for database in (source_database, target_database):
        with database.connect() as connection:
            faults.create(connection)
    return source_database, target_database


@every_version_pair
def test_equal_rows_are_equal_on_every_pair_of_versions(two_equal: tuple[Database, Database]) -> None:
    verification = verify(*two_equal)
    assert verification.equal, verification.as_json()
    assert verification.rows == 5 * faults.ROWS + 200 + 3
    assert verification.digest == "hashtextextended"


def test_rows_in_another_physical_order_are_equal(two_equal: tuple[Database, Database]) -> None:
    source, target = two_equal
    with target.connect() as connection:
        connection.execute(
            'CREATE INDEX shuffled ON "Fault\'s Schema".keyed (md5(id::text)); '
            'CLUSTER "Fault\'s Schema".keyed USING shuffled'
        )
    assert verify(source, target).equal


def test_session_defaults_of_a_role_do_not_change_the_verdict(two_equal: tuple[Database, Database]) -> None:
    source, target = two_equal
    with target.connect() as connection:
        for setting, value in (
            ("TimeZone", "Asia/Kathmandu"),
            ("DateStyle", "German"),
            ("IntervalStyle", "sql_standard"),
            ("extra_float_digits", "-3"),
            ("bytea_output", "escape"),
            ("quote_all_identifiers", "on"),
        ):
            connection.execute(f"ALTER DATABASE {target.endpoint.database} SET {setting} = '{value}'")
    assert verify(source, target).equal


def test_every_kind_of_wrong_value_is_named_with_its_key_and_column(
    two_equal: tuple[Database, Database],
) -> None:
    source, target = two_equal
    inflicted = [faults.wrong_value(name, "keyed", row) for row, name in enumerate(faults.COLUMN_FAULTS, 1)]
    with target.connect() as connection:
        faults.inflict(connection, inflicted)
    found = {d.key["id"]: (d.kind, d.columns) for d in verify(source, target).differences}
    expected = {fault.expected[0][2]: ("changed", (fault.column,)) for fault in inflicted}
    assert found == expected, {fault.expected[0][2]: fault.name for fault in inflicted}


def test_a_thousand_seeded_faults_and_nothing_else_are_found(
    two_equal: tuple[Database, Database],
) -> None:
    source, target = two_equal
    seeded = list(faults.seeded(seed=20240331, count=1000))
    with target.connect() as connection:
        faults.inflict(connection, seeded)
    expected = Counter(expected for fault in seeded for expected in fault.expected)
    verification = verify(source, target, named_at_most=5000)
    found = Counter((d.table.name, d.kind, d.key.get("id") or "") for d in verification.differences)
    assert found == expected
    columns = {(d.table.name, d.key.get("id")): d.columns for d in verification.differences}
    wrong = [
        f.name for f in seeded if f.column and columns[f.expected[0][0], f.expected[0][2]] != (f.column,)
    ]
    assert not wrong, "the differing column is named"
