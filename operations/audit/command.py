"""`audit`: who changed what."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from components.contract import Service
from core.cli import AsJson, ContractFile, Stack, chosen, invocation
from core.errors import NotMeasured
from operations.audit.read import entries

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


def since_when(text: str, now: datetime) -> datetime:
    """`30min`, `12h`, `2d` before `now`, or a time in ISO 8601 (UTC without a zone). Raises ValueError."""
    found = re.fullmatch(r"(\d{1,6})\s*(s|min|h|d)", text.strip())
    if found:
        return now - timedelta(seconds=int(found[1]) * _UNITS[found[2]])
    at = datetime.fromisoformat(text.strip())
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def audit(
    context: typer.Context,
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="By its name in the catalogue.")],
    *,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="30min, 12h, 2d ago, or a time (ISO 8601, UTC).")
    ] = "1d",
    role: Annotated[str | None, typer.Option("--role", help="Of this role alone.")] = None,
    reads: Annotated[bool, typer.Option("--reads", help="Also what changed nothing.")] = False,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Show who changed what in a service's own database, from its instance's log, which is kept for a week.

    How much is there is `log_statement`'s (pgaudit's where the instance has it), of the service's parameters.
    """
    here = invocation(context, as_json=as_json)
    (wanted,) = chosen(here.contract(stack, contract), [service], everything=False)
    try:
        begin = since_when(since, datetime.now(UTC))
    except ValueError:
        raise typer.BadParameter(
            f"{since} is no time: 30min, 12h, 2d, or 2026-01-31T12:00", param_hint="--since"
        ) from None
    found = [
        one
        for one in entries(log_folder(wanted), begin)
        if (reads or one.changes) and (role is None or one.role == role)
    ]
    if as_json:
        here.show_json(
            {
                "service": service,
                "since": begin.isoformat(),
                "entries": [
                    {**vars(one), "at": one.at.isoformat(timespec="milliseconds"), "changes": one.changes}
                    for one in found
                ],
            }
        )
        return
    for one in found:
        values = f"  [{one.parameters}]" if one.parameters else ""
        here.out.print(
            f"{one.at:%Y-%m-%d %H:%M:%S} {one.role} {one.application or '-'} {one.host}: "
            f"{' '.join(one.statement.split())}{values}",
            markup=False,
            soft_wrap=True,
        )
    if not found:
        here.err.print(
            f"nothing in the log of {service} since {begin:%Y-%m-%d %H:%M} UTC; `log_statement: mod` under "
            "its `parameters` in services.yaml has changes logged",
            markup=False,
            soft_wrap=True,
        )


def log_folder(service: Service) -> Path:
    """Where an instance's log is. Raises NotMeasured where it is not on this machine."""
    data = Path(service.instance_control.data)
    for folder in (data.parent / "log", data / "log"):
        if folder.is_dir():
            return folder
    raise NotMeasured(
        f"no log of {service.name} at {data.parent / 'log'}: is this the machine that it runs on?"
    )
