"""`backup`: take one now."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer
from rich.table import Table as Grid

from core.cli import All, AsJson, ContractFile, Services, Stack, chosen, invocation
from core.errors import WrongState
from core.progress.units import size
from operations.backup.renew import RECEIVER_SECONDS
from operations.commands.common import archives_of, stored_of
from operations.inside.verbs import renew_slot, take
from operations.object_store.take import take as take_stored


def backup(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    incremental: Annotated[
        bool, typer.Option("--incremental", help="Only the blocks changed since the newest full one.")
    ] = False,
    gently: Annotated[
        bool, typer.Option("--gently", help="Wait for a checkpoint of the server's own, which takes minutes.")
    ] = False,
    new_slot: Annotated[
        bool,
        typer.Option(
            "--new-slot",
            help="First make the slot anew, which was lost: WAL is missing, this backup ends that.",
        ),
    ] = False,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Take a base backup now, one service after the other, beside the scheduled ones."""
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    picked = chosen(agreed, services, everything=everything)
    wanted = archives_of(picked)
    stored = {one.name: found for one in picked if (found := stored_of(one)) is not None}
    if stored and (incremental or new_slot):
        option = "--incremental" if incremental else "--new-slot"
        raise WrongState(
            f"{option} is not for {next(iter(stored))}: full backups go to its object store, without a slot"
        )
    taken: dict[str, dict[str, Any]] = {}
    grid = Grid("service", "backup", "kind", "size", "LSN", "time")
    with here.progress() as progress:
        for name, archive in wanted.items():
            progress.about(name)
            if new_slot:
                progress.phase("slot")
                renew_slot(archive)
            progress.phase("backup")
            begun = time.monotonic()
            if name in stored:
                made = take_stored(stored[name], at_once=not gently, each_line=progress.note)
            else:
                made = take(
                    archive,
                    "incremental" if incremental else "full",
                    at_once=not gently,
                    wait_for_receiver=RECEIVER_SECONDS if new_slot else 0.0,
                    each_line=progress.note,
                )
            seconds = round(time.monotonic() - begun, 1)
            taken[name] = {
                "backup": made.id,
                "kind": made.kind,
                "bytes": made.bytes,
                "seconds": seconds,
                "timeline": made.timeline,
            }
            grid.add_row(name, made.id, made.kind, size(made.bytes), made.begin_wal or "", f"{seconds} s")
            here.show_json({"services": taken})
    if not as_json:
        here.document = {}
        here.out.print(grid)
