"""Commands in the documents can be pasted: their verbs are offered and take the options written there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from core.verbs import load
from migration.__main__ import VERBS as MIGRATION
from operations.commands.offered import VERBS as OPERATIONS
from tests.support.places import REPOSITORY
from tests.unit.test_docs import documents

pytestmark = pytest.mark.unit

OFFERED: Mapping[str, Mapping[str, str]] = {"migration": MIGRATION, "operations": OPERATIONS}
COMMAND = re.compile(r"python -m (migration|operations) ([a-z-]+)((?: [^|;&<>)]*)?)")
BLOCK = re.compile(r"```[a-z]*\n(.*?)```", re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
OPTION = re.compile(r"--[a-z][a-z-]*")


def commands(document: Path) -> Iterator[tuple[str, str, list[str]]]:
    """Program, verb and the words behind it, of each command that a document shows."""
    text = document.read_text(encoding="utf-8")
    blocks = "\n".join(BLOCK.findall(text)).replace("\\\n", " ")
    lines = [line.partition("#")[0] for line in blocks.splitlines()]
    for line in (*lines, *SPAN.findall(BLOCK.sub("", text))):
        for program, verb, rest in COMMAND.findall(line):
            yield program, verb, rest.split()


@cache
def command(program: str, verb: str) -> Any:
    return load(verb, OFFERED[program][verb])


def wrong(program: str, verb: str, words: list[str]) -> list[str]:
    """What of a command the program would not take."""
    if verb not in OFFERED[program]:
        return [verb]
    found = command(program, verb)
    if hasattr(found, "commands"):
        if not words or not words[0].islower():
            return []  # of the verb itself, or of any of its commands
        if words[0] not in found.commands:
            return [f"{verb} {words[0]}"]
        found = found.commands[words[0]]
    known = {name for parameter in found.params for name in (*parameter.opts, *parameter.secondary_opts)}
    asked = {option[0] for word in words if (option := OPTION.findall(word))}
    return sorted(asked - known - {"--help"})


def test_commands_in_documents_are_offered_with_their_options() -> None:
    found = [
        f"{document.relative_to(REPOSITORY)}: {program} {verb} {' '.join(words)}: {lacking}"
        for document in documents()
        for program, verb, words in commands(document)
        if (lacking := wrong(program, verb, words))
    ]
    assert found == []


def test_a_command_that_is_not_there_is_noticed() -> None:
    assert wrong("migration", "status", ["--watch"]) == []
    assert wrong("migration", "status", ["user", "--wotch"]) == ["--wotch"]
    assert wrong("migration", "statos", []) == ["statos"]
    assert wrong("operations", "backups", ["lost"]) == ["backups lost"]


def test_the_architecture_says_what_each_verb_does() -> None:
    text = (REPOSITORY / "docs/architecture.md").read_text(encoding="utf-8")
    told = {word.split()[0] for word in re.findall(r"^\| `([a-z][^`]*)` \|", text, re.MULTILINE)}
    assert set(MIGRATION) - told == set()
