"""What a change of the catalogue does to the migration's plan: both are planned against the shared database.

By `python -m migration plan`, as a person would: with the contract that the stack exports, and with the same
one as this checkout's services.yaml would have it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from components.catalogue.model import Catalogue
from components.catalogue.read import read_catalogue
from components.problems import ConfigurationError

SECONDS = 120
_ROOT = Path(__file__).parents[2]
_SHOWN = 10


@dataclass(frozen=True)
class PlanDifference:
    """Lines of Markdown; and what of it forbids a move that nothing forbade before."""

    lines: tuple[str, ...] = ()
    no_go: tuple[str, ...] = ()


def plan_difference(contract: Mapping[str, Any] | None, catalogue: Path) -> PlanDifference:
    """The difference that `catalogue` makes; none where the stack exports no contract, the plans are alike by
    their inputs, or the shared database does not answer, which is said."""
    if contract is None:
        return PlanDifference()
    try:
        after = with_catalogue(contract, read_catalogue(catalogue))
    except ConfigurationError:
        return PlanDifference()  # the preview itself says so
    if after == contract:
        return PlanDifference()
    with TemporaryDirectory(prefix="waqiti-plan-") as own, ThreadPoolExecutor(2) as pool:
        plans = list(pool.map(_plan, (contract, after), (Path(own) / "before", Path(own) / "after")))
    failed = [plan["error"]["message"] for plan in plans if "services" not in plan]
    if failed:
        return PlanDifference((f"not compared: {failed[0]}",))
    lines = tuple(differences(*plans))
    return PlanDifference(lines or ("the same tables, crossings and problems",), tuple(new_problems(*plans)))


def with_catalogue(contract: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """The contract as it will be with that catalogue, of the services that are in both."""
    changed: dict[str, Any] = json.loads(json.dumps(contract))
    for name, service in changed["services"].items():
        entry = catalogue.services.get(name)
        if entry is not None:
            service["schema_name"], service["own_schema"] = entry.schema_name, entry.own_schema
            service["crossing"] = [rule.model_dump(mode="json") for rule in entry.crossing]
            service["reads"] = [read for read in entry.reads if read in changed["services"]]
            service["row_security"] = entry.row_security
    return changed


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """A line for each thing of a service that the plans have otherwise."""
    for name in sorted({*before["services"], *after["services"]}):
        old, new = before["services"].get(name, {}), after["services"].get(name, {})
        lines = [
            *_listed("table", _tables(old), _tables(new)),
            *_listed("crossing", _edges(old), _edges(new)),
            *_listed("problem", _problems(old), _problems(new)),
        ]
        yield from (f"- {name}: {line}" for line in lines[:_SHOWN])
        if len(lines) > _SHOWN:
            yield f"- {name}: and {len(lines) - _SHOWN} more"


def new_problems(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """What forbids a move after, and did not before."""
    for name, service in after["services"].items():
        known = _problems(before["services"].get(name, {}))
        for text, severity in _problems(service).items():
            if severity == "no-go" and text not in known:
                yield f"{name}: {text}"


def _listed(kind: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for one in sorted({*old, *new}):
        if one not in old:
            yield f"+ {kind} `{one}` ({new[one]})"
        elif one not in new:
            yield f"- {kind} `{one}` ({old[one]})"
        elif old[one] != new[one]:
            yield f"{kind} `{one}`: {old[one]} → {new[one]}"


def _tables(service: Mapping[str, Any]) -> dict[str, str]:
    return {one["name"]: "moves" for one in service.get("tables", ())}


def _edges(service: Mapping[str, Any]) -> dict[str, str]:
    return {one["identity"]: one["action"] or "**undecided**" for one in service.get("edges", ())}


def _problems(service: Mapping[str, Any]) -> dict[str, str]:
    return {one["text"]: one["severity"] for one in service.get("problems", ())}


def _plan(contract: Mapping[str, Any], file: Path) -> dict[str, Any]:
    with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as stream:
        json.dump(contract, stream)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "migration", "plan", "--json", "--contract", str(file)],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        found: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return {"error": {"message": f"`python -m migration plan` gave no answer in {SECONDS} s"}}
    return found
