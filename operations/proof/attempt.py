"""One proof at a time of a service's backups: its clock, and its result kept whatever comes out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from core.errors import KeyMissing, MigrationError, NoSuchBackup, ProofFailed
from core.sessions.connections import Database
from operations.backup import locks
from operations.backup.archive import Archive
from operations.backup.catalogue import Backup
from operations.proof.results import Proof, keep_proof

T = TypeVar("T")

Step = Callable[[str], None]
Compare = Callable[[Database], int]
"""Takes the restored database; returns how many rows were those of the restore point, or raises."""
Clock = dict[str, float]
"""Seconds that each part took."""


def attempt(
    kept: Archive, usable: Sequence[Backup], clear: Callable[[], object], work: Callable[[Clock], Proof]
) -> Proof:
    """Let `work` prove the backups of `kept`, those that are `usable`; its result is kept there.

    `clear` removes what is restored for it, before and after. Raises ProofFailed for what is wrong with them,
    or where another proof is under way; NoSuchBackup, KeyMissing.
    """
    if not usable:
        raise NoSuchBackup(
            f"{kept.service} has no backup that is whole; take one: python -m operations backup "
            f"{kept.service}"
        )
    lock = locks.take(kept.state / "proof.lock")
    if lock is None:
        raise ProofFailed(f"another proof of {kept.service} is under way; wait for it")
    clock: Clock = {}
    try:
        clear()
        try:
            proof = work(clock)
        except KeyMissing:
            raise
        except (MigrationError, OSError) as error:
            problem = " ".join(str(error).split())
            keep_proof(kept, Proof(usable[-1].id, time.time(), False, problem, seconds=clock))
            raise ProofFailed(f"the backups of {kept.service} do not prove themselves: {error}") from error
        keep_proof(kept, proof)
        return proof
    finally:
        clear()
        locks.release(lock)


def timed(clock: Clock, begun: Step, name: str, act: Callable[[], T]) -> T:
    """What `act` gives, after `begun(name)`; how long it took goes into `clock`."""
    begun(name)
    since = time.monotonic()
    try:
        return act()
    finally:
        clock[name] = round(time.monotonic() - since, 2)
