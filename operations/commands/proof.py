"""`proof`: restore a backup where nobody reaches it, and look at every block and row."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table as Grid

from components.contract import Contract, Service
from core.cli import All, AsJson, ContractFile, Services, Stack, chosen, invocation
from core.errors import ProofFailed
from core.evidence.chain import Evidence, Kind
from core.points.model import Point
from core.points.store import PointStore
from core.progress.units import duration
from operations.backup.wal import parse_lsn
from operations.commands.common import archives_of, stored_of
from operations.inside.verbs import prove
from operations.object_store.prove import prove as prove_stored
from operations.proof.compare import comparison
from operations.restore.target import Target


def proof(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    to_point: Annotated[
        str | None,
        typer.Option("--to-point", metavar="NAME", help="And find the digests again that it was made with."),
    ] = None,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Prove that the newest backup brings a service back; the result is kept with it, for the gates."""
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=everything)
    archives = archives_of(wanted)
    evidence = Evidence(agreed)
    done: dict[str, dict[str, Any]] = {}
    grid = Grid("service", "backup", "up to LSN", "tables", "rows", "time")
    with here.progress() as progress:
        for service in wanted:
            progress.about(service.name)
            target, point = _at_point(agreed, service, to_point)
            try:
                stored = stored_of(service)
                if stored is None:
                    one = prove(
                        archives[service.name],
                        progress.phase,
                        target=target,
                        contract=agreed,
                        point=point,
                        stop=here.interruption.stop,
                    )
                else:
                    one = prove_stored(
                        stored,
                        progress.phase,
                        target=target,
                        compare=None if point is None else comparison(agreed, point, service.name),
                        stop=here.interruption.stop,
                    )
            except ProofFailed as error:
                evidence.add(Kind.RESTORED, {"sound": False, "problem": str(error)}, service=service.name)
                raise
            facts = {
                "sound": True,
                "backup": one.backup,
                "reached": one.reached,
                "rows": one.rows,
                "tables": one.tables,
                "point": one.point,
            }
            evidence.add(Kind.RESTORED, facts, service=service.name)
            done[service.name] = asdict(one)
            if as_json:
                here.show_json({"services": done})
            grid.add_row(
                service.name,
                one.backup,
                one.reached,
                str(one.tables),
                f"{one.rows:,}",
                duration(sum(one.seconds.values())),
            )
    if not as_json:
        here.out.print(grid)


def _at_point(contract: Contract, service: Service, name: str | None) -> tuple[Target, Point | None]:
    if name is None:
        return Target(), None
    point = PointStore(contract).read(name)
    place = point.places.get(service.name)
    return Target(point=name, point_lsn=None if place is None else parse_lsn(place.lsn)), point
