"""Names with characters that mean something to somebody: to SQL, to psycopg, to a shell, to a template."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.case_files import read_case
from tests.support.case_runs import run_case
from tests.support.clusters import Clusters

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

PIECES = (
    "%", "%s", "%(a)s", "%%", "{", "}", "{0}", "{name}", '"', "'", "\\", "\n", "\t", " ", ".", ",", ";", "$1",
    "$$", "--", "/*", ":", "@", "A", "z", "é", "漢", "🙂", "[]", "(", ")", "<a>", "&",
)  # fmt: skip
WHOLE = ("select", "user", "json", "table", "merge_action", "%", "{}", " ", "x" * 63, "漢" * 21)
"""Names of their own: words that mean something, and the longest."""
SEEDS = range(12) if os.environ.get("WAQITI_ALL_FAULTS") else range(1)


class Names:
    """Different names without end, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._given: set[str] = set()
        self._whole = self._chance.sample(WHOLE, len(WHOLE))

    def quoted(self) -> str:
        """The next, as SQL has it."""
        name = ""
        while not name or name in self._given:
            name = (
                self._whole.pop()
                if self._whole and self._chance.random() < 0.3
                else "".join(self._chance.choices(PIECES, k=self._chance.randint(1, 5)))
            )
        self._given.add(name)
        return '"' + name.replace('"', '""') + '"'


def script(seed: int) -> str:
    """Objects of every kind that names another, with such names."""
    names = Names(seed)
    kinds = (
        "label", "enum", "domain", "composite", "field", "parent", "child", "key", "value", "odd", "note",
        "of", "sequence", "index", "unique", "check", "foreign", "trigger", "function", "argument", "view",
        "keyless", "statistics", "matview", "checked", "bounded",
    )  # fmt: skip
    one = {kind: names.quoted() for kind in kinds}
    one["text"] = "'" + one["label"][1:-1].replace("'", "''") + "'"
    one["sequence_text"] = "'" + one["sequence"].replace("'", "''") + "'"
    return SCRIPT.format(**one)


SCRIPT = (Path(__file__).parents[1] / "support" / "odd_names.sql").read_text()


@pytest.mark.parametrize("seed", SEEDS)
def test_any_name_moves_both_ways(seed: int, clusters: Clusters, tmp_path: Path) -> None:
    file = tmp_path / "odd_names.sql"
    file.write_text("-- @writer\nSELECT user_schema.write($N)\n")
    run_case(replace(read_case(file), setup=script(seed)), clusters, tmp_path)
