"""The documents are true to the code: links and paths lead somewhere, tables list all that there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import errors
from tests.support.places import REPOSITORY

pytestmark = pytest.mark.unit

TOPS = "bench|components|core|demo|docs|migration|operations|policy|script|servers|tests|toolchain"
PATH = re.compile(rf"`((?:{TOPS})/[\w./-]*\w)`")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
OF_THE_PAST = ("CHANGELOG.md",)


def documents() -> list[Path]:
    """Every Markdown file of the repository, but those that tell of the past."""
    found = (file.relative_to(REPOSITORY) for file in sorted(REPOSITORY.rglob("*.md")))
    return [REPOSITORY / file for file in found if str(file) not in OF_THE_PAST and file.parts[0][0] != "."]


def broken(document: Path) -> Iterator[str]:
    """Links and paths of a document that lead nowhere."""
    text = document.read_text(encoding="utf-8")
    for link in LINK.findall(text):
        if not (document.parent / link).exists():
            yield f"{document.relative_to(REPOSITORY)}: ({link})"
    for path in PATH.findall(text):
        if not (REPOSITORY / path).exists():
            yield f"{document.relative_to(REPOSITORY)}: `{path}`"


def test_links_and_paths_in_documents_lead_somewhere() -> None:
    assert [line for document in documents() for line in broken(document)] == []


def test_exit_codes_are_listed_as_they_are_and_never_used_twice() -> None:
    rows = re.findall(
        r"^\| (\d+) \| (\w+) \|", (REPOSITORY / "docs/exit-codes.md").read_text("utf-8"), re.MULTILINE
    )
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    codes = {kind.__name__: kind.exit_code for kind in classes if issubclass(kind, errors.MigrationError)}
    assert len(set(codes.values())) == len(codes)
    assert {name: int(code) for code, name in rows} == codes


def test_every_decision_has_a_line_in_their_index() -> None:
    folder = REPOSITORY / "docs/decisions"
    listed = set(LINK.findall((folder / "README.md").read_text(encoding="utf-8")))
    assert listed == {file.name for file in folder.glob("[0-9]*.md")}
