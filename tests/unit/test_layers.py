"""Imports run one way: a line of the table may import what stands below it, never its own line or above."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Container, Iterator
from pathlib import Path

import pytest

from tests.support.places import REPOSITORY

pytestmark = pytest.mark.unit

FLOORS = """
bench tests demo
migration.__main__
migration.commands
migration.init
migration.finish migration.quick
migration.moves migration.gates migration.report
migration.switch migration.references
migration.carry
migration.fidelity migration.steps
migration.examine
migration.schema migration.traffic migration.physical
migration.plan
migration.verify migration.boundary migration.consistency
migration.copy migration.guards migration.parsing migration.replicate migration.slo
migration.applications migration.catalog migration.journal migration.sampling
operations
operations.promotion
operations.drift
operations.preview
core.program
core.cli
core.points
core.references core.evidence
core.rows core.gateway core.performance core.rehearsals
core.latest core.own_server core.pacing
core.sessions core.progress
core.interruption core.services_yaml
core.errors core.observer core.names core.postgres_parser core.verbs
components
components.contract components.replication_roles
components.locale components.archive_container
servers
"""
OF_COMPONENTS = {
    "components.archive_container",
    "components.contract",
    "components.locale",
    "components.replication_roles",
}
"""All that core, migration and operations may import of the program that declares a stack."""
READERS_OF_THE_CATALOGUE = {
    "migration.init",
    "migration.commands",
    "operations.drift",
    "operations.preview",
    "operations.promotion",
}
"""A draft is written as the program reads it, and checked by it before it is shown; what a change of the
catalogue or of a parameter means is asked of the program."""
MOST_FILES, MOST_LINES, FACE = 22, 400, 15


def floor(module: str) -> tuple[int, str]:
    """A module's line in the table, from the top, and the name that it stands there under."""
    lines = enumerate(line.split() for line in FLOORS.split("\n"))
    fits = [(n, name) for n, names in lines for name in names if f"{module}.".startswith(f"{name}.")]
    return max(fits, key=lambda fit: len(fit[1]))


def modules() -> dict[str, Path]:
    """Every module of the program, by its dotted name."""
    files = [
        file
        for top in ("components", "core", "migration", "operations", "servers")
        for file in (REPOSITORY / top).rglob("*.py")
    ]
    return {
        ".".join(file.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__"): file
        for file in files
    }


def imports(file: Path, known: Container[str]) -> Iterator[str]:
    """What a file imports of the program, as modules."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in known else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def wrong(module: str, imported: str) -> bool:
    """Whether an import runs upwards, sideways, or into what is none of its business."""
    here, there = floor(module), floor(imported)
    if module.split(".", maxsplit=1)[0] in {"core", "migration", "operations"} and imported.startswith(
        "components."
    ):
        return here[1] not in READERS_OF_THE_CATALOGUE and there[1] not in OF_COMPONENTS
    if {module.split(".", maxsplit=1)[0], imported.split(".", maxsplit=1)[0]} == {"migration", "operations"}:
        return True
    return there[0] < here[0] or (there[0] == here[0] and there[1] != here[1])


def test_imports_run_downwards() -> None:
    known = modules()
    found = {
        f"{module} imports {imported}"
        for module, file in known.items()
        for imported in imports(file, known)
        if imported in known and known[imported].name != "__init__.py" and wrong(module, imported)
    }
    assert sorted(found) == []


def test_packages_are_no_heaps_and_have_a_face() -> None:
    files = list(modules().values())
    heaps = {
        str(folder.relative_to(REPOSITORY)): n
        for folder, n in Counter(f.parent for f in files if f.name != "__init__.py").items()
        if n > MOST_FILES
    }
    assert heaps == {}
    for file in files:
        if file.name == "__init__.py":
            assert len(file.read_text(encoding="utf-8").splitlines()) <= FACE, file
        assert (file.parent / "__init__.py").exists(), f"{file.parent} has no face"


def test_no_file_is_longer_than_one_reads() -> None:
    long = {
        str(f.relative_to(REPOSITORY)): n
        for f in modules().values()
        if (n := len(f.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}


def test_no_package_of_the_program_is_a_circle_of_modules() -> None:
    known = modules()
    below = {
        module: {i for i in imports(file, known) if i in known and i != module}
        for module, file in known.items()
    }
    for around in (below, {module: {m for m in below if module in below[m]} for module in below}):
        while leaves := {module for module, others in around.items() if not others & below.keys()}:
            for module in leaves:
                del around[module]
                below.pop(module, None)
    assert below == {}
