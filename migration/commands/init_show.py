"""What `init` shows: the draft in short, what the server lacks, the next commands; as text or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table as Grid

from core.cli import Invocation
from core.progress.units import size
from migration.init.draft import Draft
from migration.init.lacks import Lack, as_paste
from migration.init.next_commands import Block, as_shell


def undecided(draft: Draft) -> list[dict[str, Any]]:
    """What only a person can decide, as JSON types."""
    return [
        {"service": name, "match": one.match, "reason": one.reason, "possible": list(one.possible)}
        for name, one in draft.undecided
    ]


def show(
    run: Invocation, draft: Draft, files: Sequence[Path], lacks: Sequence[Lack], blocks: Sequence[Block]
) -> None:
    """Show what was written, and what comes next."""
    if run.as_json:
        run.show_json(
            {
                "files": [str(path) for path in files],
                "services": {
                    one.names.service: {
                        "schema": one.names.schema, "port": one.names.port, "tables": one.tables,
                        "bytes": one.bytes, "workload": str(one.sizes.workload),
                        "extensions": list(one.extensions),
                        "crossings": sum(c.action is not None for c in one.crossings),
                        "undecided": sum(c.action is None for c in one.crossings),
                    }
                    for one in draft.services
                },
                "left": [{"schema": name, "why": why} for name, why in draft.left],
                "application": draft.application,
                "undecided": undecided(draft),
                "lacks": [
                    {"what": one.what, "why": one.why, "statements": list(one.statements),
                     "pg_hba": list(one.lines), "restart": one.restart}
                    for one in lacks
                ],
                "next": [{"what": block.what, "commands": list(block.commands)} for block in blocks],
            }
        )  # fmt: skip
        return
    grid = Grid("service", "schema", "port", "tables", "size", "workload", "crossings", "undecided")
    for one in draft.services:
        open_ones = sum(c.action is None for c in one.crossings)
        grid.add_row(
            one.names.service,
            one.names.schema,
            str(one.names.port),
            str(one.tables),
            size(one.bytes),
            str(one.sizes.workload),
            str(len(one.crossings) - open_ones),
            str(open_ones),
        )
    run.out.print(grid)
    for path in files:
        _say(run, f"written: {path}")
    for name, why in draft.left:
        _say(run, f"no service: {name} ({why})")
    for name, crossing in draft.undecided:
        _say(run, f"undecided: {name}: {crossing.match}: {crossing.reason}")
    _say(run, "")
    if lacks:
        _say(run, "-- What the shared server lacks; paste into psql as a superuser:")
    for line in as_paste(lacks):
        _say(run, line)
    _say(run, "" if lacks else "The shared server has all that a move needs.\n")
    _say(run, "# Next:")
    for line in as_shell(blocks):
        _say(run, line)


def _say(run: Invocation, line: str) -> None:
    run.out.print(line, markup=False, soft_wrap=True)
