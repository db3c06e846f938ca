"""`report`: the evidence of a stack, for a change board and an auditor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.cli import AsJson, ContractFile, Stack, invocation
from core.errors import EvidenceBroken
from core.evidence.chain import Evidence, Kind, read_chain
from operations.evidence.report import markdown, summary


def report(
    context: typer.Context,
    *,
    out: Annotated[Path | None, typer.Option("--out", help="Write the page to this file as well.")] = None,
    verify: Annotated[
        Path | None,
        typer.Option(
            "--verify", metavar="FILE", help="Check and report this evidence alone, without a stack."
        ),
    ] = None,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what was deployed, moved, verified, restored and signed, in Markdown or JSON.

    The evidence is checked on the way: an altered, missing or inserted entry ends it with exit status 86.
    """
    here = invocation(context, as_json=as_json)
    if verify is not None:
        if not verify.is_file():
            raise EvidenceBroken(f"{verify} is no file")
        entries = read_chain(verify)
        deployed = next((one for one in reversed(entries) if one.kind == Kind.DEPLOYED), None)
        if deployed is None:
            raise EvidenceBroken(f"{verify} has no entry of what was deployed")
        found = summary(
            entries,
            project="evidence",
            stack=verify.stem,
            commit=deployed.commit,
            catalogue=deployed.catalogue,
            services=deployed.facts.get("services", ()),
        )
    else:
        agreed = here.contract(stack, contract)
        found = summary(
            Evidence(agreed).note_deployed(),
            project=agreed.project,
            stack=agreed.stack,
            commit=agreed.commit,
            catalogue=agreed.catalogue_digest,
            services=list(agreed.services),
        )
    page = markdown(found)
    if out is not None:
        out.write_text(page, encoding="utf-8")
    if as_json:
        here.show_json(found.as_json())
    else:
        typer.echo(page, nl=False)
