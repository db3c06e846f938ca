"""`sign-off`: a person's word for what a stack has shown, kept in its evidence."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli import AsJson, ContractFile, Stack, invocation
from core.evidence.chain import Evidence, Kind
from core.sessions.stack import choose_services
from operations.evidence.report import summary


def sign_off(
    context: typer.Context,
    *,
    stage: Annotated[str, typer.Option("--stage", help="What it is for: `promotion`, or a verb's name.")],
    who: Annotated[str, typer.Option("--who", help="Whose word it is: a name or an office.")],
    note: Annotated[str, typer.Option("--note", help="In their words.")] = "",
    service: Annotated[
        str | None, typer.Option("--service", help="Of this service alone; default: the whole stack.")
    ] = None,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign what is deployed now, as the evidence shows it; another commit or catalogue needs another word.

    Who runs this is kept as well: it is no more than the word of that person.
    """
    here = invocation(context, as_json=as_json)
    if not stage.strip() or not who.strip():
        raise typer.BadParameter("--stage and --who need a word each")
    agreed = here.contract(stack, contract)
    if service is not None:
        choose_services(agreed, [service])
    evidence = Evidence(agreed)
    seen = summary(
        evidence.note_deployed(),
        project=agreed.project,
        stack=agreed.stack,
        commit=agreed.commit,
        catalogue=agreed.catalogue_digest,
        services=list(agreed.services),
    )
    facts = {
        "stage": stage.strip(),
        "by": who.strip(),
        "note": note.strip(),
        "seen": seen.answer,
        "at": seen.head,
    }
    entry = evidence.add(Kind.SIGNED, facts, service=service)
    if as_json:
        here.show_json({"entry": entry.model_dump(mode="json")})
    else:
        here.out.print(
            f"{who} signed {stage}{f' of {service}' if service else ''}: {seen.answer} (entry {entry.number},"
            f" {entry.digest[:12]})",
            markup=False,
            soft_wrap=True,
        )
