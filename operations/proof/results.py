"""What proofs found, kept in the archive: a line a proof, the newest last."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from operations.backup.archive import Archive
from servers import osuser

KEPT = 200
"""Results that are kept."""


@dataclass(frozen=True)
class Proof:
    """One proof of one backup."""

    backup: str
    at: float
    """When it was done, seconds since 1970."""
    sound: bool
    problem: str = ""
    """What was wrong, in one line."""
    reached: str = ""
    """LSN up to which WAL was replayed."""
    rows: int = 0
    """Whose digests were taken."""
    tables: int = 0
    point: str | None = None
    """The restore point whose digests were found again."""
    seconds: dict[str, float] = field(default_factory=dict)


def results_file(archive: Archive) -> Path:
    """Where they are; `migration` reads its last line for its gates."""
    return archive.state / "proofs.jsonl"


def read_proofs(archive: Archive) -> list[Proof]:
    """All that are kept, the oldest first; a line that cannot be read is left out."""
    found = []
    with suppress(OSError):
        for line in results_file(archive).read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, TypeError):
                found.append(Proof(**json.loads(line)))
    return found


def last_proofs(archive: Archive) -> dict[str, Proof]:
    """The last proof of each backup."""
    return {proof.backup: proof for proof in read_proofs(archive)}


def keep_proof(archive: Archive, proof: Proof) -> None:
    """Add a result. Raises OSError."""
    kept = [*read_proofs(archive), proof][-KEPT:]
    osuser.write_private(results_file(archive), "".join(json.dumps(asdict(one)) + os.linesep for one in kept))


def age_seconds(proof: Proof) -> float:
    """How long ago."""
    return time.time() - proof.at
