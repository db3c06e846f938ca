"""The statements of a copy, word for word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migration.catalog.tables import Column
from migration.copy import statements
from migration.copy.task import Piece
from tests.unit.migration.copy.test_copy_cutting import task

pytestmark = pytest.mark.unit

ID = Column(name="id", type="integer", type_oid=23, not_null=True)
NAME = Column(name='a "name"', type="text", type_oid=25, not_null=False)
TWICE = Column(name="twice", type="integer", type_oid=23, not_null=False, generated="s")
COMPOSITE = Column(name="c", type="s.c", type_oid=20000, not_null=False, binary=False)


def piece(*columns: Column, first: int | None = None, end: int | None = None) -> Piece:
    one = task("Some Table", 100)
    one = replace(one, table=replace(one.table, columns=columns))
    return Piece(one, one.table.bytes, first, end)


def test_a_whole_table_is_read_as_it_is_and_frozen_as_it_is_written() -> None:
    whole = piece(ID, NAME)
    assert (
        statements.copy_out(whole).as_string()
        == 'COPY "s"."Some Table" ("id", "a ""name""") TO STDOUT (FORMAT binary)'
    )
    assert (
        statements.copy_in(whole).as_string()
        == 'COPY "s"."Some Table" ("id", "a ""name""") FROM STDIN (FORMAT binary, FREEZE)'
    )


def test_a_range_is_read_by_the_places_of_its_rows() -> None:
    inner = piece(ID, first=10, end=20)
    assert statements.copy_out(inner).as_string() == (
        'COPY (SELECT "id" FROM ONLY "s"."Some Table"'
        " WHERE ctid >= '(10,0)'::tid AND ctid < '(20,0)'::tid) TO STDOUT (FORMAT binary)"
    )
    assert "FREEZE" not in statements.copy_in(inner).as_string()


def test_the_last_range_has_no_end() -> None:
    last = piece(ID, first=10)
    assert "WHERE ctid >= '(10,0)'::tid) TO" in statements.copy_out(last).as_string()


def test_generated_columns_do_not_travel() -> None:
    assert "twice" not in statements.copy_out(piece(ID, TWICE)).as_string()
    assert "twice" not in statements.copy_in(piece(ID, TWICE)).as_string()


def test_a_table_without_columns_of_its_own_has_no_column_list() -> None:
    assert statements.copy_out(piece(TWICE)).as_string() == 'COPY "s"."Some Table" TO STDOUT (FORMAT binary)'


def test_a_column_whose_type_has_an_own_oid_makes_its_table_go_as_text() -> None:
    assert statements.copy_out(piece(ID, COMPOSITE)).as_string().endswith("(FORMAT text)")
    assert "FORMAT text" in statements.copy_in(piece(ID, COMPOSITE)).as_string()


def test_settings_that_a_version_does_not_know_are_not_set() -> None:
    assert "transaction_timeout" not in statements.source_settings(160004).as_string().replace(
        "idle_in_transaction_session_timeout", ""
    )
    assert '"transaction_timeout"' in statements.source_settings(170002).as_string()


def test_a_role_that_may_not_act_as_a_replica_does_not_try() -> None:
    assert "replica" not in statements.target_settings(170000, replica=False).as_string()
    assert "replica" in statements.target_settings(170000, replica=True).as_string()
