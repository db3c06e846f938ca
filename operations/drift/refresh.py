"""What Pulumi's own refresh finds: the preview of one, resource by resource."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.errors import PulumiFailed
from operations.drift.model import Difference
from operations.preview import pulumi
from operations.preview.steps import differences, service_of

ORIGIN = "pulumi refresh"
_LONGEST = 200
_QUIET = frozenset({"same", "refresh", "read"})


def check(folder: Path, stack: str) -> list[Difference]:
    """The differences that `pulumi refresh` would take over into the state. Raises PulumiFailed."""
    done = pulumi.run(folder, "refresh", "--preview-only", "--json", "--stack", stack)
    start = done.stdout.find("{")
    try:
        document = json.loads(done.stdout[start:]) if start >= 0 else None
    except json.JSONDecodeError:
        document = None
    if not document or done.returncode:
        raise PulumiFailed(f"pulumi refresh: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    mend = f"pulumi refresh --yes --stack {stack} && pulumi up --yes --stack {stack}"
    return [one for step in document["steps"] if step["op"] not in _QUIET for one in _of(step, mend)]


def _of(step: Mapping[str, Any], mend: str) -> Iterator[Difference]:
    name, service = step["urn"].rpartition("::")[2], service_of(step) or "(stack)"
    old, new = ((step.get(key) or {}).get("outputs") or {} for key in ("oldState", "newState"))
    subject = (
        f"{name} ({old.get('name') or old.get('role') or step['urn'].split('::')[2].rpartition('$')[2]})"
    )
    if step["op"] == "delete":
        yield Difference(service, subject, "there", "gone", ORIGIN, mend)
        return
    for change in differences(old, new):
        empty = not change.before and not change.after
        # `ALTER ROLE ... SET role` is a setting that the stack declares by itself (components.service.ddl).
        if not (change.name.startswith("__") or empty or change.name == "assumeRole"):
            what = f"{subject}: {change.name}"
            yield Difference(service, what, _short(change.before), _short(change.after), ORIGIN, mend)


def _short(value: Any) -> str:
    text = "(none)" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
