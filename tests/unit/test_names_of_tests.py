"""Where tests are, and their names: folders are those of the packages, a name is read in one look."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from tests.support.places import REPOSITORY

pytestmark = pytest.mark.unit

MOST = 70
TOGETHER = 20
"""Files of one folder, about."""


def test_names_of_tests_are_at_most_70_characters_long() -> None:
    long = [
        f"{file.name}: {node.name}"
        for file in (REPOSITORY / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and len(node.name) > MOST
    ]
    assert long == []


@pytest.mark.parametrize("tier", ["unit", "integration"])
def test_folders_of_tests_are_named_as_the_packages(tier: str) -> None:
    folders = {
        file.parent.relative_to(REPOSITORY / "tests" / tier)
        for file in (REPOSITORY / "tests" / tier).rglob("test_*.py")
    }
    strange = {
        str(folder)
        for folder in folders
        if not (REPOSITORY / folder).is_dir()
        and not (REPOSITORY / "script/lib" / f"waqiti_{folder}").is_dir()
    }
    assert strange == set()


def test_no_folder_of_tests_has_more_files_than_one_looks_through() -> None:
    counts = Counter(
        file.parent
        for tier in ("unit", "integration")
        for file in (REPOSITORY / "tests" / tier).rglob("test_*.py")
    )
    assert {str(folder): count for folder, count in counts.items() if count > TOGETHER} == {}
