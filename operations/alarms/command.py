"""`alarms`: what fired, kept as evidence; with `--try`, one is brought about and waited for."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from components.contract import MonitoringControl, Service
from core.cli import AsJson, ContractFile, Stack, finite, invocation
from core.errors import AlarmSilent, WrongState
from core.evidence.chain import Evidence, Kind
from core.interruption import Interruption
from core.sessions.stack import choose_services, target_database
from operations.alarms.ask import fires, look, watched_by
from operations.alarms.bring_about import ALARM, deadlock

LOOKS = 8
"""Intervals of Prometheus' that an alarm may take."""
PATIENCE_SECONDS = 30.0


def alarms(
    context: typer.Context,
    *,
    over: Annotated[
        float,
        typer.Option("--over", min=0.01, metavar="HOURS", callback=finite, help="How far to look back."),
    ] = 24.0,
    bring_about: Annotated[
        str | None,
        typer.Option(
            "--try",
            metavar="SERVICE",
            help="Let two sessions of ours wait for each other in its own database, and see the alarm fire.",
        ),
    ] = None,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Say which alarms fired, whether all rules are evaluated and all services watched; kept as evidence.

    Exit status 89: the alarm that was brought about did not fire. 90: nobody watches this stack.
    """
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    control = watched_by(agreed)
    tried: dict[str, Any] = {}
    if bring_about is not None:
        (service,) = choose_services(agreed, [bring_about])
        seconds = _try(control, service, here.interruption)
        tried = {"alarm": ALARM, "service": service.name, "seconds": round(seconds, 1)}
    found = look(control, over)
    facts = {**found.as_json(), **({"tried": tried} if tried else {})}
    entry = Evidence(agreed).add(Kind.ALARMS, facts)
    if as_json:
        here.show_json({**facts, "entry": entry.number})
        return
    if tried:
        said = f"{ALARM} of {bring_about} fired {tried['seconds']:.0f} s after its cause"
        here.out.print(said, markup=False)
    fired = ", ".join(found.fired) or "none"
    lines = [f"fired in {over:g} h: {fired}", f"{found.rules} rules over {len(found.watched)} services"]
    lines += [f"fires now: {one}" for one in found.firing]
    lines += [f"not evaluated: {one}" for one in found.unhealthy]
    for line in lines:
        here.out.print(line, markup=False, soft_wrap=True)


def _try(control: MonitoringControl, service: Service, interruption: Interruption) -> float:
    """Seconds from the cause to the alarm. Raises WrongState where it fires already, AlarmSilent."""
    if fires(control, ALARM, service.name):
        raise WrongState(
            f"{ALARM} of {service.name} fires already, so nothing would show; it ends 15 minutes after"
            " its cause"
        )
    deadlock(target_database(service))
    begun = time.monotonic()
    limit = LOOKS * control.interval + PATIENCE_SECONDS
    while not fires(control, ALARM, service.name):
        if time.monotonic() - begun > limit:
            raise AlarmSilent(
                f"{ALARM} of {service.name} did not fire within {limit:.0f} s of a deadlock: see"
                f" {control.folder}/log, and docs/runbooks/monitoring.md"
            )
        interruption.stop.wait(0.5)
        interruption.check()
    return time.monotonic() - begun
