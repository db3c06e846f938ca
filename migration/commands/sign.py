"""`sign`: a person's word before a verb, kept with the gates that they saw."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import typer

from core.cli import AsJson, ContractFile, Stack, invocation
from core.errors import GateClosed
from core.evidence.chain import Evidence, Kind
from core.sessions.stack import choose_services
from migration.commands.gates import gates_grid
from migration.examine.read_plan import examine, read_plan
from migration.gates.check import check_gates


class Before(Enum):
    """What is signed."""

    START = "start"
    CUTOVER = "cutover"
    ROLLBACK = "rollback"
    FINISH = "finish"


def sign(
    context: typer.Context,
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="Its name in the catalogue.")],
    *,
    stage: Annotated[Before, typer.Option("--stage", help="The verb that may go on by it.")],
    who: Annotated[str, typer.Option("--who", help="Whose word it is: a name or an office.")],
    note: Annotated[str, typer.Option("--note", help="In their words.")] = "",
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign what comes next for a service, in sight of its gates, whose figures are kept with the signature.

    Another catalogue needs another signature. Exit status 27: another gate is closed, and nothing is signed.
    """
    here = invocation(context, as_json=as_json)
    if not who.strip():
        raise typer.BadParameter("--who needs a name")
    agreed = here.contract(stack, contract)
    (chosen,) = choose_services(agreed, [service])
    plan = examine(agreed, [chosen]) if stage is Before.START else read_plan(agreed, [chosen])
    report = check_gates(agreed, chosen, plan, stage.value)
    others = [gate for gate in report.no_go if gate.name != "sign-off"]
    if not as_json:
        here.out.print(gates_grid(report))
    if others:
        raise GateClosed(
            f"{service}: nothing is signed while the gate {others[0].name} is closed: {others[0].figure};"
            f" {others[0].advice}"
        )
    facts: dict[str, Any] = {
        "stage": stage.value,
        "by": who.strip(),
        "note": note.strip(),
        "seen": [{"name": one.name, "verdict": one.verdict, "figure": one.figure} for one in report.gates],
    }
    entry = Evidence(agreed).add(Kind.SIGNED, facts, service=service)
    if as_json:
        here.show_json({"entry": entry.model_dump(mode="json")})
    else:
        here.out.print(
            f"{who} signed the {stage.value} of {service} (entry {entry.number}, {entry.digest[:12]})",
            markup=False,
        )
