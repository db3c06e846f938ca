"""Names of archives, and definitions of foreign keys."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import MigrationError
from core.references.foreign_keys import ForeignKey, parse_foreign_key
from migration.finish.finish import NAME_BYTES, archive_name

pytestmark = pytest.mark.unit

DAY = datetime(2026, 11, 23, tzinfo=UTC)


def test_an_archive_is_named_after_its_schema_and_the_day() -> None:
    assert archive_name("user_schema", DAY, lambda name: False) == "user_schema_archived_20261123"


@given(st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=63), st.integers(0, 12))
def test_an_archives_name_fits_and_is_free(schema: str, taken: int) -> None:
    used: set[str] = set()
    for _ in range(taken):
        used.add(archive_name(schema, DAY, used.__contains__))
    name = archive_name(schema, DAY, used.__contains__)
    assert name not in used
    assert len(name.encode()) <= NAME_BYTES


def test_two_long_schemas_that_begin_alike_get_archives_of_different_names() -> None:
    one, other = "a" * 60 + "one", "a" * 60 + "two"
    assert archive_name(one, DAY, lambda n: False) != archive_name(other, DAY, lambda n: False)


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (
            "FOREIGN KEY (user_id) REFERENCES user_schema.users(id)",
            ForeignKey(("user_id",), ("user_schema", "users"), ("id",), False),
        ),
        (
            'FOREIGN KEY (a, "B c") REFERENCES s."Odd T"(x, y) MATCH FULL ON DELETE CASCADE NOT VALID',
            ForeignKey(("a", "B c"), ("s", "Odd T"), ("x", "y"), True),
        ),
        (
            "FOREIGN KEY (a) REFERENCES t(b) ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED",
            ForeignKey(("a",), ("t",), ("b",), False),
        ),
    ],
)
def test_a_foreign_keys_definition_is_read_back(definition: str, expected: ForeignKey) -> None:
    assert parse_foreign_key(definition) == expected


@pytest.mark.parametrize("definition", ["CHECK (true)", "DROP TABLE x", ""])
def test_what_is_no_foreign_key_is_refused(definition: str) -> None:
    with pytest.raises(MigrationError):
        parse_foreign_key(definition)
