"""Gates: whether it was tried lately that the service's backups bring it back.

`python -m operations proof` leaves its results in the archive; this reads the last of them and nothing else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.progress.units import duration
from migration.gates.model import Gate, Verdict, judged
from migration.gates.scene import Check, Scene, check

RESULTS = Path("state") / "proofs.jsonl"
"""In the archive's folder, a JSON object a line, the newest last: what `operations` writes."""


@dataclass(frozen=True)
class LastProof:
    """The newest result."""

    at: float
    """Seconds since 1970."""
    sound: bool
    problem: str


def last_proof(archive: Path) -> LastProof | None:
    """The newest result in an archive; None where there is none, or none that this user may read."""
    try:
        lines = (archive / RESULTS).read_text(encoding="utf-8").splitlines()
        said = json.loads(lines[-1])
        return LastProof(float(said["at"]), bool(said["sound"]), str(said.get("problem", "")))
    except (OSError, ValueError, IndexError, KeyError, TypeError):
        return None


def judge(service: str, found: LastProof | None, now: float, hours: float, *, demanded: bool = False) -> Gate:
    """A proof that failed is a no-go; none, or an old one, a warning, and a no-go where it is `demanded`."""
    limit, advice = f"{hours:.0f} h", f"python -m operations proof {service}"
    otherwise: Verdict = "no-go" if demanded else "warn"
    if found is None:
        figure = "its backups were never proven"
        return judged("proof", True, figure, advice, limit=limit, otherwise=otherwise, overridable=demanded)
    age = now - found.at
    if not found.sound:
        figure = f"the last proof failed: {found.problem}"
        return judged("proof", True, figure, advice, limit="sound", overridable=True)
    figure = f"its backups were proven {duration(max(age, 0.0))} ago"
    return judged(
        "proof", age > hours * 3600, figure, advice, limit=limit, otherwise=otherwise, overridable=demanded
    )


@check("proof", "cutover", "finish")
def proof(scene: Scene) -> Iterator[Gate]:
    """The service's backups were restored and found sound, not long ago."""
    if scene.service.backups is not None:
        found = last_proof(Path(scene.service.backups.folder))
        limit = scene.service.backups.policy.proof_limit
        hours = scene.limits.proof_hours if limit is None else limit / 3600
        yield judge(scene.name, found, time.time(), hours, demanded=limit is not None)


BACKUPS: tuple[Check, ...] = (proof,)
