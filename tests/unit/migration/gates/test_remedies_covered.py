"""Every no-go of the plan and every gate says what to do: a test follows it, or a person has to."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from migration.gates.check import CHECKS
from tests.support.places import REPOSITORY
from tests.support.remedies_table import GATES, NO_GOS

BY_HAND = "by hand: "


def _calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Calls of a name in `migration/`, as `package.module.function` in the order of the text."""
    for file in sorted((REPOSITORY / "migration").rglob("*.py")):
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
                for call in sorted(calls, key=lambda node: node.lineno):
                    if isinstance(call.func, ast.Name) and call.func.id == name:
                        module = ".".join(file.relative_to(REPOSITORY / "migration").with_suffix("").parts)
                        yield f"{module}.{function.name}", call


def no_gos() -> set[str]:
    """Where a no-go of the plan is made: `package.module.function`, and ` 2` for the second one there."""
    found: dict[str, int] = {}
    for where, call in _calls("Problem"):
        severity = call.args[2] if len(call.args) > 2 else None
        online = any(keyword.arg == "online" for keyword in call.keywords)
        if online or not (isinstance(severity, ast.Constant) and severity.value == "note"):
            found[where] = found.get(where, 0) + 1
    return {f"{where} {n}" if n > 1 else where for where, most in found.items() for n in range(1, most + 1)}


def gates() -> set[str]:
    """The names of all gates."""
    names = {check.name for check in CHECKS}
    for kind in ("judged", "Gate", "check"):
        for _, call in _calls(kind):
            if call.args and isinstance(call.args[0], ast.Constant):
                names.add(str(call.args[0].value))
    return names


@pytest.mark.parametrize(("made", "table"), [(no_gos(), NO_GOS), (gates(), GATES)], ids=["no-gos", "gates"])
def test_each_remedy_that_is_printed_has_a_line_in_the_table(made: set[str], table: dict[str, str]) -> None:
    new = sorted(made - set(table))
    assert new == [], "say in tests/support/remedies_table.py which test follows it"
    assert sorted(set(table) - made) == [], "these are not made any more"


@pytest.mark.parametrize("said", sorted({*NO_GOS.values(), *GATES.values()}))
def test_what_the_table_says_is_a_test_or_a_reason(said: str) -> None:
    if said.startswith(BY_HAND):
        assert len(said) > len(BY_HAND) + 10
        return
    file, _, test = said.partition("::")
    assert f"def {test}(" in (REPOSITORY / "tests" / file).read_text(encoding="utf-8")
