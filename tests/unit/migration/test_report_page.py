"""The report's page: each step has its colour, the legend has what is shown, and it fits a phone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from migration.finish import finish
from migration.journal.journal import DECIDED
from migration.moves import offline as move_offline
from migration.moves import start as online_move
from migration.references import refill as references_refill
from migration.report.model import PhaseReport, Report, ServiceReport
from migration.report.phases import Phase, phase_of
from migration.report.write import render
from migration.steps.runner import UNDO_PREFIX
from migration.switch.protocol import Repair, Step

pytestmark = pytest.mark.unit

LISTS = (move_offline.STEPS, online_move.START, finish.FINISH, references_refill.REFILL)
MOVES = {step.name for steps in LISTS for step in steps}
SWITCHES = [f"{verb}: {one.value}" for verb in ("cutover", "rollback") for one in (*Step, *Repair)]
NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.mark.parametrize("step", [*sorted(MOVES), *SWITCHES, DECIDED])
def test_each_step_of_the_journal_has_a_colour(step: str) -> None:
    assert phase_of(step) is not None
    assert phase_of(f"{UNDO_PREFIX}{step}") is Phase.UNDO


def page(*steps: str) -> str:
    phases = tuple(PhaseReport(step, NOW, 1.0, "done", {}, None) for step in steps)
    service = ServiceReport("user", "moved", phases, (), None)
    edge = {"service": "user", "edge": "view a -> b", "action": "drop", "reason": "why"}
    return render(Report("p/dev", "h:5432/d", "1", NOW, (service,), (edge,), None))


def test_the_legend_has_what_is_shown_and_nothing_else() -> None:
    shown = page("copy from the slot's snapshot", "cutover: pause the gateway")
    found = [phase for phase in Phase if f"</i> {phase.label}<" in shown]
    assert found == [Phase.COPY, Phase.SWITCH]
    assert all(shown.count(phase.colour) == 2 for phase in found)


def test_all_that_is_wide_scrolls_in_a_box_of_its_own() -> None:
    shown = page("subscribe")
    assert shown.count('<div class="wide"><table') == shown.count("<table")
