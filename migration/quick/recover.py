"""To the service's own database as it was restored: closed first, reconciled, and served again.

The shared database is AHEAD of a restored one: its subscription asks for changes from a position that the new
time-line has not reached, and gets none, without an error, until WAL has passed it. So everything that
replicated is taken away on both sides and made anew, heartbeats too (their numbers go back with the restore,
and an old one would prove what is not so). Until its own database opens, both sides are closed: a run that is
cut off is simply run again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import VerificationFailed, WrongState
from migration.quick.context import QuickMove
from migration.quick.kept_rows import keep_rows
from migration.quick.sequences import raise_on, raised, reached
from migration.replicate.removal import take_away
from migration.steps.runner import Step
from migration.steps.shifting_checks import put_on_own, take_off_own
from migration.switch.repair_rows import NAMED_AT_MOST, take_rows
from migration.verify.compare import compare
from migration.verify.model import Verification

PROVE_SECONDS = 60.0
ROUNDS = 5
"""Of comparing and taking over so many rows of a table each."""


def hold_clients(move: QuickMove) -> Mapping[str, Any]:
    """Make the clients wait; most have been failing."""
    return {"clients": len(move.hold_clients().clients())}


def close_both(move: QuickMove) -> Mapping[str, Any]:
    """No side takes a write: the flag of a restored one came back as it was, open."""
    with move.guards(move.target) as guards:
        if guards.is_open() is None:
            raise WrongState(
                f"{move.target.label} has no guards: it is empty, or was restored to before its move; "
                f"restore "
                f"it to a later time, or go to the shared database: rollback --quick --to shared {move.name}"
            )
    return {"own": move.close(move.target), "shared": move.close(move.source)}


def end_replication(move: QuickMove) -> Mapping[str, Any]:
    """Both directions: subscriptions with their origins, slots, publications, heartbeats."""
    take_away(move.name, "back", move.target, move.source)
    take_away(move.name, "forward", move.source, move.target)
    return {}


def compare_sides(move: QuickMove) -> Mapping[str, Any]:
    """Every row of both, which are at rest; what differs is kept in a file before anything is overwritten."""
    move.found = _compare(move)
    require_comparable(move.found)
    differing = move.found.differences
    if differing:
        move.kept = keep_rows(move, differing)
    return {
        "rows": move.found.rows,
        "differing": len(differing),
        "kinds": count_kinds(move.found),
        "file": str(move.kept) if move.kept else None,
    }


def reconcile(move: QuickMove) -> Mapping[str, Any]:
    """One side takes the other's rows, as the person decided, until nothing differs."""
    if move.found is None:
        raise AssertionError("the step before compares")
    there, here = (move.source, move.target) if move.beyond == "apply" else (move.target, move.source)
    found, written = move.found, 0
    for _ in range(ROUNDS):
        if found.equal:
            return {"rows": written, "taken_from": there.label}
        if move.beyond is None:
            raise WrongState(
                f"the shared database and the restored one differ in {len(found.differences):,} rows "
                f"({describe(found)}), kept in {move.kept}; {move.name} stays closed and its clients "
                f"wait: run "
                "it again with --beyond apply (its own takes over what the shared one has) or --beyond leave"
            )
        written += take_rows(there, here, move.tables, found)
        found = _compare(move)
        require_comparable(found)
    raise VerificationFailed(
        f"{move.target.label} and the shared database differ still after {ROUNDS} rounds "
        f"({describe(found)}), "
        "both stay closed; somebody writes there beside the guards"
    )


def raise_sequences(move: QuickMove) -> Mapping[str, Any]:
    """Above everything that either side has given out or has in a row."""
    sequences = move.own.sequences
    values = raised([reached(move.target, sequences), reached(move.source, sequences)])
    raise_on(move.target, values)
    return {"sequences": len(values)}


def follow(move: QuickMove) -> Mapping[str, Any]:
    """Publications, slot and subscriptions anew; proven by a heartbeat."""
    with move.forward() as forward, move.back() as back:
        forward.publish(move.own.relations)
        back.publish(move.own.relations)
        lsn = back.make_slot()
        back.subscribe(move.own.relations, enabled=True)
        forward.subscribe(move.own.relations, enabled=False)
        return {"lsn": lsn, "heartbeat_s": round(back.prove(PROVE_SECONDS), 3)}


def open_own(move: QuickMove) -> Mapping[str, Any]:
    """Its own database takes the service's writes."""
    with move.guards(move.target) as guards:
        guards.open()
    return {}


def lead_to_own(move: QuickMove) -> Mapping[str, Any]:
    """Its clients are served."""
    move.lead_clients("target")
    return {"route": "target"}


RECOVER: tuple[Step[QuickMove], ...] = tuple(
    Step(name, act, final=True)
    for name, act in (
        ("make the clients wait", hold_clients),
        ("close both sides", close_both),
        ("end what replicated between them", end_replication),
        ("take checks off that may refuse rows", take_off_own),
        ("compare all rows of both", compare_sides),
        ("reconcile them", reconcile),
        ("raise its sequences", raise_sequences),
        ("let the shared database follow again", follow),
        ("put checks on its own database", put_on_own),
        ("open its own database", open_own),
        ("lead the clients to its own database", lead_to_own),
    )
)


def count_kinds(found: Verification) -> dict[str, int]:
    """Rows that differ, by what an operator asks: who has them."""
    words = {"missing": "in shared only", "extra": "in its own only", "changed": "changed"}
    counts = dict.fromkeys(words.values(), 0)
    for difference in found.differences:
        counts[words[difference.kind]] += 1
    return counts


def describe(found: Verification) -> str:
    """The same in words."""
    return ", ".join(f"{count:,} {kind}" for kind, count in count_kinds(found).items() if count)


def require_comparable(found: Verification) -> None:
    """Raise VerificationFailed where tables themselves differ, or too many rows to name."""
    for table in found.tables:
        if table.structure:
            raise VerificationFailed(
                f"{table.structure[0]}: the schema of the restored database is not that of the shared one; "
                "restore it to another time, or go to the shared database (--to shared)"
            )


def _compare(move: QuickMove) -> Verification:
    return compare(
        move.source,
        move.target,
        move.tables,
        source_snapshot=None,
        target_snapshot=None,
        workers=move.workers,
        progress=move.progress,
        stop=move.stop,
        named_at_most=NAMED_AT_MOST,
    )
