"""`restore`: bring a service back to a time, an LSN or a point beside what it has; exchange it or give up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from components.contract import Contract, Service
from core.cli import AsJson, ContractFile, Invocation, Stack, Yes, chosen, finite, invocation
from core.errors import WrongState
from core.points.store import PointStore
from operations.backup.wal import parse_lsn
from operations.commands.restore_ways import Asked, Ways, ways_of
from operations.restore.restore import TIMEOUT_SECONDS, Restored
from operations.restore.target import Target
from operations.restore_points.restored import check_restored


def restore(
    context: typer.Context,
    service: Annotated[str, typer.Argument(metavar="SERVICE")],
    *,
    to_time: Annotated[
        str | None,
        typer.Option("--to-time", metavar="TIME", help="2026-01-31T09:30:00Z; UTC without a zone."),
    ] = None,
    to_lsn: Annotated[
        str | None, typer.Option("--to-lsn", metavar="LSN", help="All that ends there.")
    ] = None,
    to_point: Annotated[
        str | None, typer.Option("--to-point", metavar="NAME", help="A restore point.")
    ] = None,
    timeline: Annotated[
        int | None, typer.Option("--timeline", min=1, help="Default: the newest of the archive.")
    ] = None,
    verify: Annotated[bool, typer.Option(help="Compare every file with its backup's manifest.")] = True,
    swap: Annotated[
        bool, typer.Option("--swap", help="Put what was restored in the place of what the service has.")
    ] = False,
    rejoin: Annotated[
        bool,
        typer.Option(
            "--rejoin",
            help="With --swap, where the shared database follows the service: it comes back closed and "
            "clients wait, until `python -m migration rollback --quick --to own` has brought both together.",
        ),
    ] = False,
    abandon: Annotated[
        bool, typer.Option("--give-up", help="Remove what was restored; the service keeps what it has.")
    ] = False,
    pause_timeout: Annotated[
        float, typer.Option("--pause-timeout", min=0.1, metavar="SECONDS", callback=finite)
    ] = 5.0,
    timeout: Annotated[
        float, typer.Option("--timeout", min=1, metavar="SECONDS", callback=finite, help="For the recovery.")
    ] = TIMEOUT_SECONDS,
    yes: Yes = False,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Restore a service into a new instance beside its own, which nobody reaches; its own goes on untouched.

    Without a target: to the end of the WAL. Then look at it, and --swap it in or --give-up.
    """
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    (wanted,) = chosen(agreed, [service], everything=False)
    ways = ways_of(wanted)
    targets = [one for one in (to_time, to_lsn, to_point) if one is not None]
    if len(targets) > 1 or (swap and abandon) or ((swap or abandon) and targets):
        raise typer.BadParameter("pass one of --to-time, --to-lsn, --to-point, --swap and --give-up")
    if abandon:
        ways.give_up()
        _show(here, {"service": service, "state": "given up"}, f"{service} keeps what it has")
    elif swap:
        _swap(here, agreed, wanted, yes=yes, pause_timeout=pause_timeout, rejoin=rejoin)
    else:
        target = _target(agreed, wanted, to_time, to_lsn, to_point)
        if ways.make_room():
            here.err.print(f"{service}: what a restore that was cut off had left was removed", markup=False)
        with here.progress() as progress:
            progress.about(service)
            done = ways.restore(target, Asked(timeline, verify, timeout), progress.phase)
            verdict = _compare(agreed, wanted, ways, to_point)
        _restored(here, wanted, ways, done, verdict)


def _target(
    contract: Contract, service: Service, to_time: str | None, to_lsn: str | None, to_point: str | None
) -> Target:
    if to_lsn is not None:
        try:
            return Target(lsn=parse_lsn(to_lsn))
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    if to_time is not None:
        try:
            at = datetime.fromisoformat(to_time)
        except ValueError:
            raise typer.BadParameter(f"{to_time!r} is no time; write 2026-01-31T09:30:00Z") from None
        return Target(time=at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC))
    if to_point is None:
        return Target()
    kept = next((one for one in PointStore(contract).list() if one.name == to_point), None)
    place = kept.places.get(service.name) if kept is not None else None
    return Target(point=to_point, point_lsn=None if place is None else parse_lsn(place.lsn))


def _compare(contract: Contract, service: Service, ways: Ways, to_point: str | None) -> dict[str, Any] | None:
    """The digests at a restore point against those taken live, where the point was kept with some."""
    kept = next((one for one in PointStore(contract).list() if one.name == to_point), None)
    if kept is None or kept.homes.get(service.name) != service.name:
        return None
    verdict = check_restored(contract, kept, {service.name: ways.database()})
    verdict.require()
    return verdict.as_json()


def _restored(
    here: Invocation, service: Service, ways: Ways, done: Restored, verdict: dict[str, Any] | None
) -> None:
    psql = ways.psql()
    said = f"; all {verdict['rows']:,} rows are those of the point" if verdict and verdict["rows"] else ""
    _show(
        here,
        {"service": service.name, "state": "restored", **done.as_json(), "psql": psql, "point": verdict},
        f"{service.name} is back at {done.target} (LSN {done.reached}, from backup {done.backup}), beside "
        f"what it has{said}. Look at it:\n  {psql}\nThen: python -m operations restore {service.name} --swap"
        f"\nor:   python -m operations restore {service.name} --give-up",
    )


def _swap(
    here: Invocation,
    contract: Contract,
    service: Service,
    *,
    yes: bool,
    pause_timeout: float,
    rejoin: bool,
) -> None:
    ways = ways_of(service)
    restored = ways.to_swap()
    if not yes:
        here.err.print(
            f"{service.name} goes back to {restored.target}; what it has now is kept beside it", markup=False
        )
        if not here.err.is_terminal:
            raise WrongState("nobody is there to confirm; run it with --yes")
        typer.confirm("Go on?", abort=True, err=True)
    with here.progress() as progress, here.interruption.shield():
        progress.about(service.name)
        done = ways.swap(contract, progress.phase, pause_timeout=pause_timeout, rejoin=rejoin)
        progress.phase("a first backup of the new time-line")
        made = ways.first_backup()
    _show(
        here,
        {
            "service": service.name,
            "state": "exchanged",
            "kept": done.kept,
            "backup": made.id,
            "pause_seconds": done.pause_seconds,
        },
        f"{service.name} is back at {restored.target}; its clients "
        + (
            f"wait still: python -m migration rollback --quick --to own {service.name}"
            if rejoin
            else f"waited {done.pause_seconds:.1f} s"
        )
        + f". What it had before is in {done.kept} until you remove it.",
    )


def _show(here: Invocation, document: dict[str, Any], text: str) -> None:
    if here.as_json:
        here.show_json(document)
    else:
        here.out.print(text, markup=False, soft_wrap=True)
