"""What a cutover would do: each step with its expected time, and the gates. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.table import Table as Grid

from components.contract import Contract, Service
from core.cli import Invocation
from core.sessions.stack import source_database
from migration.commands.gates import gates_grid
from migration.examine.read_plan import read_plan
from migration.gates.check import check_gates
from migration.gates.model import GateLimits, GateReport
from migration.switch.expected import Expected, expected_times
from migration.switch.protocol import SWITCH, Step

_PAUSED = SWITCH[: SWITCH.index(Step.RESUME) + 1]


@dataclass(frozen=True)
class DryRun:
    """One service's cutover, as it would be."""

    gates: GateReport
    steps: Mapping[Step, Expected]

    @property
    def pause_ms(self) -> float:
        """What clients would wait."""
        return sum(self.steps[step].ms for step in _PAUSED)

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            **self.gates.as_json(),
            "steps": [
                {
                    "step": step.value,
                    "expected_ms": round(one.ms, 1),
                    "from": one.origin,
                    "in_pause": step in _PAUSED,
                }
                for step, one in self.steps.items()
            ],
            "expected_pause_ms": round(self.pause_ms, 1),
        }


def expect(
    contract: Contract, service: Service, verb: Literal["cutover", "rollback"], limits: GateLimits
) -> DryRun:
    """Measure the gates, and take each step's time from earlier switches. Needs no operator's lock."""
    plan = read_plan(contract, [service])
    report = check_gates(contract, service, plan, verb, limits)
    source = source_database(contract)
    with source.connect() as connection, source.translated("reading the journal"):
        return DryRun(report, expected_times(connection, service.name, verb))


def show_expected(here: Invocation, runs: Sequence[DryRun]) -> None:
    """Print them, and raise the first no-go."""
    if here.as_json:
        here.show_json({"services": {run.gates.service: run.as_json() for run in runs}})
    else:
        for run in runs:
            grid = Grid("step", "expected", "from", title=f"{run.gates.service}: {run.gates.stage}, dry run")
            for step, one in run.steps.items():
                grid.add_row(step.value, f"{one.ms:.0f} ms", one.origin)
            here.out.print(grid)
            here.out.print(f"expected pause: {run.pause_ms:.0f} ms. Nothing was changed.", markup=False)
            here.out.print(gates_grid(run.gates))
    for run in runs:
        run.gates.require()
