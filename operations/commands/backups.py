"""`backups`: what there is, and whether it would bring the service back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table as Grid

from components.contract import Service
from core.cli import AsJson, ContractFile, Services, Stack, chosen, invocation
from core.errors import WrongState
from core.progress.units import duration, size
from operations.backup.archive import Archive
from operations.backup.catalogue import Backup
from operations.backup.catalogue import backups as backups_of
from operations.backup.state import read_state, supervisor
from operations.backup.wal import format_lsn
from operations.check.check import check
from operations.check.model import Checked, require_sound
from operations.commands.common import archive_of, backed_up, stored_of, utc
from operations.object_store.check import check as check_stored
from operations.proof.results import last_proofs
from operations.restore.segments import read_wal
from servers.kubernetes_archiving import not_archived

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="What is in the archives, and whether it is sound."
)


@app.command("list")
def list_backups(
    context: typer.Context,
    *,
    services: Services = None,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Show each service's backups: age, size, LSNs, time-line, last proof; and who fills the archive."""
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=False) if services else backed_up(agreed)
    found = {service.name: _of(service) for service in wanted}
    if as_json:
        here.show_json({"services": found})
        return
    grid = Grid("service", "backup", "kind", "state", "age", "size", "LSN", "time-line", "proven (UTC)")
    for name, one in found.items():
        for backup in one["backups"]:
            grid.add_row(
                name,
                backup["backup"],
                backup["kind"],
                backup["status"].lower().replace("_", " "),
                "" if backup["age_seconds"] is None else duration(backup["age_seconds"]),
                size(backup["bytes"]) if backup["bytes"] else "",
                f"{backup['begin_lsn']} to {backup['end_lsn']}",
                str(backup["timeline"] or ""),
                utc(backup["proven"]),
            )
    here.out.print(grid)
    for name, one in found.items():
        here.out.print(f"{name}: {_line(one)}", markup=False)


@app.command("check")
def check_backups(
    context: typer.Context,
    *,
    services: Services = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="Read every segment and every file again, not only new ones.")
    ] = False,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Look for what would keep services from coming back. Exit status 52 where something would."""
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=False) if services else backed_up(agreed)
    done: list[Checked] = []
    with here.progress() as progress:
        for service in wanted:
            progress.about(service.name)
            stored = stored_of(service)
            if stored is not None:
                if everything:
                    raise WrongState(
                        f"--everything is not for {service.name}: an object store is read by restores alone, "
                        f"as python -m operations proof {service.name} does"
                    )
                done.append(check_stored(stored, progress.phase))
            else:
                done.append(check(service, archive_of(service), progress.phase, everything=everything))
    if as_json:
        here.show_json({"services": {one.service: one.as_json() for one in done}})
    else:
        grid = Grid("service", "check", "what is wrong", "what to do")
        for one in done:
            if not one.findings:
                grid.add_row(one.service, "", f"nothing ({_read(one)})", "")
            for finding in one.findings:
                grid.add_row(one.service, finding.check, finding.problem, finding.remedy)
        here.out.print(grid)
    require_sound(done)


def _read(one: Checked) -> str:
    if one.stored:
        return f"WAL was in the object store after {one.lag_seconds} s; what is there is not read: proof"
    sealed = f", {one.segments_sealed} encrypted ones not" if one.segments_sealed else ""
    return f"{one.segments_read} new segments read{sealed}"


def _of(service: Service) -> dict[str, Any]:
    stored = stored_of(service)
    if stored is not None:
        return {
            "backups": _lines(stored.backups(), stored.kept),
            "archive": stored.stored.url,
            "not_archived": not_archived(stored.cluster()),
        }
    archive = archive_of(service)
    state, wal = read_state(archive), read_wal(archive)
    newest = wal.last(wal.timelines[-1])
    return {
        "backups": _lines(backups_of(archive), archive),
        "archive": str(archive.folder),
        "timelines": wal.timelines,
        "newest_segment": None if newest is None else newest.name(),
        "supervisor": supervisor(archive),
        "receiver": state.receiver.pid if supervisor(archive) is not None else None,
        "receiver_restarts": state.receiver.restarts,
        "running": state.running,
        "failing": {name: task.said for name, task in state.tasks.items() if task.failures},
    }


def _lines(found: Sequence[Backup], archive: Archive) -> list[dict[str, Any]]:
    now, proofs = time.time(), last_proofs(archive)
    return [
        {
            "backup": one.id,
            "kind": one.kind,
            "status": one.status,
            "on": one.parent,
            "begin": one.begin,
            "end": one.end,
            "age_seconds": None if one.end is None else round(now - one.end.timestamp(), 1),
            "bytes": one.bytes,
            "begin_lsn": None if one.begin_lsn is None else format_lsn(one.begin_lsn),
            "end_lsn": None if one.end_lsn is None else format_lsn(one.end_lsn),
            "timeline": one.timeline,
            "proven": proofs[one.id].at if one.id in proofs and proofs[one.id].sound else None,
        }
        for one in found
    ]


def _line(one: dict[str, Any]) -> str:
    if "not_archived" in one:
        return one["not_archived"] or f"WAL goes to {one['archive']}"
    if one["supervisor"] is None:
        return "nobody fills its archive (no supervisor runs); start it with `pulumi up`"
    if one["receiver"] is None:
        return "its WAL is not received; `backups check` says why"
    doing = f", {one['running']} under way" if one["running"] else ""
    return f"WAL is received into {one['newest_segment']}{doing}"
