"""Rows that are too long for a text: the limit is lowered here, because nobody has a gigabyte to spare."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.rows import digest
from migration.examine import huge_rows
from tests.support.case_files import read_case
from tests.support.case_runs import run_case
from tests.support.clusters import Clusters

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

SETUP = """-- @setup
CREATE TABLE user_schema.files (id int PRIMARY KEY, a bytea, b text, c varchar, n int);
ALTER TABLE user_schema.files ALTER a SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL;
INSERT INTO user_schema.files
SELECT i, decode(repeat('ab', i * 3000), 'hex'), repeat('"', i * 3000), repeat('x', i), i
FROM generate_series(1, 9) i;
"""


@pytest.fixture
def _lowered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "LONGEST_TEXT", 50_000)
    monkeypatch.setattr(digest, "HUGE_FROM_BYTES", 0)
    monkeypatch.setattr(huge_rows, "LONGEST_TEXT", 50_000)
    monkeypatch.setattr(huge_rows, "HUGE_FROM_BYTES", 1)


@pytest.mark.usefixtures("_lowered")
@pytest.mark.parametrize(
    ("name", "case"),
    [
        (
            "moves",
            "DELETE FROM user_schema.files WHERE id > 8;\n-- @writer\nUPDATE files SET n = $N WHERE id = 7",
        ),
        (
            "refused-inside",
            "DELETE FROM user_schema.files WHERE id > 2; CREATE DOMAIN user_schema.blob AS text;\n"
            "ALTER TABLE user_schema.files ADD j jsonb, ADD d user_schema.blob[];\n"
            "UPDATE user_schema.files SET j = to_jsonb(repeat('x', 40000)), d = ARRAY[repeat('y', 20000)]"
            " WHERE id = 1;\n"
            "-- @flow plan\n-- @refused table user_schema.files has 1 rows that cannot be copied",
        ),
        ("refused", "-- @flow plan\n-- @refused table user_schema.files has 1 rows that cannot be copied"),
    ],
)
def test_a_huge_row_moves_or_is_refused(name: str, case: str, clusters: Clusters, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.sql"
    file.write_text(SETUP + case + "\n")
    run_case(read_case(file), clusters, tmp_path)
