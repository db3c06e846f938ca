"""A verb starts without what the others need."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from core.verbs import program
from migration.__main__ import VERBS

pytestmark = pytest.mark.unit

_SAYS = """
import sys
from migration.__main__ import main
main(["status", "--contract", "/nonexistent"])
print(*sorted(sys.modules))
"""


def test_status_imports_no_parser_and_no_other_verb() -> None:
    run = subprocess.run([sys.executable, "-c", _SAYS], capture_output=True, text=True, check=True)
    imported = set(run.stdout.split())
    others = {where.partition(":")[0] for verb, where in VERBS.items() if verb != "status"}
    assert imported & {"pglast", "yaml", "migration.plan.model", *others} == set()


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_is_found_and_says_what_it_does(verb: str) -> None:
    app = typer.main.get_command(program("migration", "", {verb: VERBS[verb]}))
    found = app.get_command(typer.Context(app), verb)  # type: ignore[attr-defined]
    assert found.name == verb
    assert found.get_short_help_str()
