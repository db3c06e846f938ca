"""`report`: what became of everything so far, as a page; `report verify`: the evidence taken again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Grid

from components.contract import Contract
from core.cli import AsJson, ContractFile, Invocation, Stack, invocation
from core.errors import EvidenceBroken, EvidenceContradicted
from core.evidence.chain import Entry, Evidence, read_chain
from core.sessions.stack import choose_services, source_database
from migration.journal.journal import open_journal
from migration.report.answer import answer
from migration.report.gather import everything
from migration.report.recount import Finding, Recount
from migration.report.write import as_json as report_json
from migration.report.write import write_report
from migration.steps.runner import Runner

report = typer.Typer(
    help="Write one page of everything so far, with plots, digests, what is left to do, and as JSON.",
    invoke_without_command=True,
)


@report.callback()
def write(
    context: typer.Context,
    *,
    service: Annotated[
        list[str] | None, typer.Option("--service", help="Of this service alone; may be repeated.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Default: reports/ in the state folder.")
    ] = None,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Write one page of everything so far, with plots, digests and what is left to do; and the same as JSON.

    Nothing is locked or written in a database; it can be asked for at any time, also while a run is at work.
    """
    if context.invoked_subcommand is not None:
        return
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    found = everything(agreed, choose_services(agreed, service or ()))
    page, _ = write_report(found, out)
    if as_json:
        here.show_json({**report_json(found), "report": str(page)})
        return
    said = answer(found)
    for line in (said.moved, said.lost, said.waited):
        here.out.print(line, markup=False, soft_wrap=True)
    for what, how in said.left:
        here.out.print(f"left: {what}: {how}", markup=False, soft_wrap=True)
    here.out.print(f"report: {page}", markup=False, soft_wrap=True)


@report.command("verify")
def verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The evidence, or a copy of it.")],
    *,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Check the evidence's chain, then take its digests again in the databases.

    Exit status 86: a byte of FILE was altered, or it is another chain than this stack's. 88: the chain is
    whole, and a database is not what it says.
    """
    here = invocation(context, as_json=as_json)
    if not file.is_file():
        raise EvidenceBroken(f"{file} is no file")
    entries = read_chain(file)
    agreed = here.contract(stack, contract)
    _require_this_stacks(agreed, file, entries)
    findings: list[Finding] = []
    with open_journal(source_database(agreed), agreed) as journal, here.progress() as progress:
        runner = Runner(journal, here.interruption, progress, here.observer)
        for finding in Recount(agreed, entries, runner, os.cpu_count() or 2).run():
            progress.note(f"{finding.service}: {finding.where}: {finding.found.value}")
            findings.append(finding)
    _show(here, file, entries, findings)
    wrong = [one for one in findings if not one.found.good]
    if wrong:
        first = wrong[0]
        detail = f": {first.details[0]}" if first.details else ""
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise EvidenceContradicted(
            f"{first.service}: {first.where}: not as the evidence says{detail}{more}; --json has every table"
        )


def _require_this_stacks(contract: Contract, file: Path, entries: Sequence[Entry]) -> None:
    """Whoever makes a whole new chain makes it of another digest than the one that is kept here."""
    if not entries:
        raise EvidenceBroken(f"{file} has no entry")
    own = Evidence(contract)
    kept = own.read()
    if kept and (len(entries) > len(kept) or kept[len(entries) - 1].digest != entries[-1].digest):
        raise EvidenceBroken(
            f"{file} is another chain than that of this stack: its entry {entries[-1].number} is not that of"
            f" {own.file}"
        )


def _show(here: Invocation, file: Path, entries: Sequence[Entry], findings: Sequence[Finding]) -> None:
    if here.as_json:
        here.show_json(
            {
                "file": str(file),
                "entries": len(entries),
                "head": entries[-1].digest,
                "findings": [one.as_json() for one in findings],
            }
        )
        return
    grid = Grid("service", "what the evidence says of", "tables", "rows", "is")
    for one in findings:
        grid.add_row(
            one.service, one.where, str(one.tables), f"{one.rows:,}" if one.rows else "", one.found.value
        )
    here.out.print(grid)
    here.out.print(
        f"{len(entries)} entries, none altered; the last digest: {entries[-1].digest}", markup=False
    )
