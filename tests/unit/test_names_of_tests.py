"""A test's name is a sentence that is read in one look: at most 70 characters."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

MOST = 70


def test_names_of_tests_are_at_most_70_characters_long() -> None:
    long = [
        f"{file.name}: {node.name}"
        for file in Path(__file__).parents[1].rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and len(node.name) > MOST
    ]
    assert long == []
