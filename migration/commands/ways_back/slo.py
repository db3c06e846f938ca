"""A cutover that is looked after: how the service does is measured before, watched after, and where it leaves
the band of its `slo`, it is led back by the same gates and proofs as by `rollback`, or a person is called."""

from __future__ import annotations

from components.contract import Service
from core.errors import Interrupted, LedBack, MigrationError, OutOfBand
from migration.commands.verbs import Verbs, note_gates
from migration.commands.ways_back.lead_back import lead_back
from migration.examine.read_plan import read_plan
from migration.gates.check import check_gates
from migration.journal.states import State
from migration.moves.online import Online
from migration.plan.model import Plan
from migration.slo.after import Watched, watch_after
from migration.slo.band import Band
from migration.slo.before import measured
from migration.slo.look import Eyes
from migration.switch.carry_out import SwitchResult

WATCHED = "watch the service after its switch"
"""The step in the journal; its figures say what was before, and after."""


def cut_over(verbs: Verbs, online: Online, service: Service, plan: Plan) -> SwitchResult:
    """`Online.cutover`, with a service that has an `slo` looked after.

    Raises what `Online.cutover` does and NotMeasured: nothing was switched then. Afterwards LedBack and
    OutOfBand; Interrupted where somebody ends the watch: the service is moved and stays so.
    """
    if service.slo is None:
        return online.cutover(service, plan)
    progress, check = online.runner.progress, verbs.here.interruption.check
    progress.note(f"{service.name}: how it does is measured for {service.slo.before} s")
    with Eyes(service, verbs.contract, "source") as eyes:
        band = measured(eyes, check)
    progress.note(f"{service.name} before its switch: {band.before}")
    result = online.cutover(service, plan)
    watched = _watch(verbs, online, service, band)
    if watched.left is None:
        progress.note(f"{service.name} after its switch, {watched.seconds:.0f} s: {watched.now}")
        return result
    _led_back(verbs, online, service, watched.left)
    raise LedBack(
        f"{service.name} left its band after its switch ({watched.left}) and was led back to the shared "
        "database, which has every write; it follows: look for the cause, then `cutover` it again"
    )


def _watch(verbs: Verbs, online: Online, service: Service, band: Band) -> Watched:
    policy, progress, journal = band.policy, online.runner.progress, verbs.journal
    seconds = policy.auto_rollback or max(policy.before, policy.patience)
    move = online.in_state(service, State.MOVED)
    record = journal.begin(move, WATCHED, {"before": band.before.as_json()})
    told: list[str] = []

    def say(why: str | None) -> None:
        if why is not None and not told:
            progress.note(f"{service.name} is out of its band: {why}")
        told[:] = [why] if why is not None else []

    progress.note(f"{service.name} is switched; how it does is watched for {seconds} s")
    try:
        with Eyes(service, verbs.contract, "target") as eyes:
            watched = watch_after(eyes, band, seconds, verbs.here.interruption.check, say)
    except Interrupted:
        with verbs.here.interruption.shield():
            journal.end(record, "interrupted")
            progress.note(f"{service.name} is moved and stays so; nobody watches how it does any more")
        raise
    journal.end(record, "done" if watched.left is None else "failed", watched.as_json())
    return watched


def _led_back(verbs: Verbs, online: Online, service: Service, why: str) -> None:
    """Raises OutOfBand where it is not to be, or cannot be: the service is then moved, as it was."""
    by_hand = f"look at it, or `python -m migration rollback --immediate {service.name}`"
    if service.slo is None or service.slo.auto_rollback is None:
        raise OutOfBand(
            f"{service.name} does worse on its own database: {why}; it stays there, as services.yaml says no "
            f"`autoRollback`: {by_hand}"
        )
    online.runner.progress.note(f"{service.name} left its band: it is led back to the shared database")
    try:
        plan = read_plan(verbs.contract, [service])
        gates = check_gates(verbs.contract, service, plan, "rollback", verbs.gate_limits)
        note_gates(verbs.here, verbs.contract, gates)
        gates.require()
        lead_back(verbs, online, service, verified=True)
    except Interrupted:
        raise
    except MigrationError as error:
        raise OutOfBand(
            f"{service.name} does worse on its own database ({why}) and could not be led back: {error}; "
            f"{by_hand}"
        ) from error
