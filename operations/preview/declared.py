"""What two revisions of the program declare, compared without a backend and without a secret.

Each is previewed on a new, empty stack in a folder of its own, so all of it is a create; the two are compared
resource by resource. How each change would be done, and whether it is refused, the providers say then: the
base's resources are put into a state, and the head is previewed on it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from core.errors import PulumiFailed
from operations.preview import pulumi
from operations.preview.steps import SECRET, UNKNOWN, Change, Preview, Step, differences, inputs

_SEEDED = "known-after-up"
_MASK = "secure"
_OUTPUTS: Mapping[str, Any] = {"value": SECRET, "fingerprint": _SEEDED, "running": True, "hba": []}
"""What dynamic providers give beside their inputs: only `up` knows it, and others are made from it."""


@dataclass(frozen=True)
class Checkout:
    """A revision's files, and what to call it."""

    folder: Path
    name: str


def compare(base: Checkout, head: Checkout, stack: str, work: Path, policies: Path | None = None) -> Preview:
    """What the head would change of a stack that the base's program made. Raises PulumiFailed."""
    with ThreadPoolExecutor(2) as pool:
        of_base = pool.submit(_new_stack, base, stack, work / "base", None)
        of_head = pool.submit(_new_stack, head, stack, work / "head", policies)
        before, after = of_base.result(), of_head.result()
    if after.preview.errors:
        return after.preview
    changed = declared_changes(before.document, after.document)
    if not changed:
        return replace(after.preview, steps=())
    asked = _on_the_bases_state(before, head, stack, work / "asked", policies)
    return merged(changed, asked, resources=after.preview.resources)


def declared_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Change, ...]]:
    """By URN, what differs between two previews of a new stack; () where one of them has no such resource."""
    old, new = _by_urn(before), _by_urn(after)
    found: dict[str, tuple[Change, ...]] = {}
    for urn in [*new, *(urn for urn in old if urn not in new)]:
        if urn not in old or urn not in new:
            found[urn] = ()
        elif difference := differences(inputs(old[urn]), inputs(new[urn])):
            found[urn] = difference
    return found


def merged(changed: Mapping[str, tuple[Change, ...]], asked: Preview, *, resources: int) -> Preview:
    """The steps of `asked` whose resources differ by declaration, with that difference: the rest of what the
    providers would do is theirs to say of a real machine."""
    steps: list[Step] = []
    for step in asked.steps:
        if step.urn in changed:
            steps.append(replace(step, changes=changed[step.urn]))
    return replace(asked, steps=tuple(steps), resources=resources)


@dataclass(frozen=True)
class _Declared:
    preview: Preview
    document: dict[str, Any]


def _new_stack(checkout: Checkout, stack: str, work: Path, policies: Path | None) -> _Declared:
    environment = _prepare(checkout, stack, work)
    found, document = pulumi.preview(work, stack, environment=environment, policies=policies)
    if found.errors and policies is None:
        raise PulumiFailed(f"the base {checkout.name} cannot be previewed: {found.errors[0]}")
    return _Declared(found, document)


def _on_the_bases_state(
    base: _Declared, head: Checkout, stack: str, work: Path, policies: Path | None
) -> Preview:
    environment = _prepare(head, stack, work)
    exported = pulumi.run(work, "stack", "export", "--stack", stack, environment=environment)
    state = json.loads(exported.stdout)
    state["deployment"]["resources"] = seed(base.document)
    imported = pulumi.run(
        work, "stack", "import", "--stack", stack, environment=environment, given=json.dumps(state)
    )
    if imported.returncode:
        raise PulumiFailed(f"the base's state cannot be made: {' '.join(imported.stderr.split())}")
    found, _document = pulumi.preview(work, stack, environment=environment, policies=policies)
    return found


def seed(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The resources of a state that the previewed program would have left, as far as a preview knows them."""
    known = json.loads(json.dumps(document.get("steps") or []).replace(UNKNOWN, _SEEDED))
    made = [_made(one["newState"]) for one in known if one.get("newState")]
    there = {one["urn"] for one in made}
    named = {one["provider"].rpartition("::")[0] for one in made if one.get("provider")}
    return [_default_provider(urn) for urn in sorted(named - there)] + made


def _default_provider(urn: str) -> dict[str, Any]:
    """A preview does not list those that the engine makes by itself."""
    kind = urn.split("::")[2].rpartition("$")[2]
    return {"urn": urn, "type": kind, "custom": True, "id": _SEEDED, "inputs": {}, "outputs": {}}


def _made(state: dict[str, Any]) -> dict[str, Any]:
    own = _OUTPUTS if state["type"].startswith("pulumi-python:") else {}
    made = {**state, "outputs": {**own, **(state.get("inputs") or {}), **(state.get("outputs") or {})}}
    if state.get("custom"):
        made["id"] = state.get("id") or _SEEDED
    return made


def _by_urn(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {one["urn"]: one["newState"] for one in document.get("steps") or [] if one.get("newState")}


def _prepare(checkout: Checkout, stack: str, work: Path) -> dict[str, str]:
    """A project in `work` with the checkout's program and an empty stack; the environment for Pulumi."""
    (work / "backend").mkdir(parents=True)
    project = yaml.safe_load((checkout.folder / "Pulumi.yaml").read_text(encoding="utf-8"))
    project["main"] = str(checkout.folder)
    # A revision runs on this checkout's packages.
    project["runtime"]["options"]["virtualenv"] = sys.prefix
    (work / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
    environment = {
        **_without_passwords(),
        "PULUMI_BACKEND_URL": f"file://{work / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": "preview",
        "PULUMI_CONFIG_PASSPHRASE_FILE": "",
        "PYTHONPATH": str(checkout.folder),
        # The same in both, so that paths are; nothing is made there.
        "WAQITI_STATE_DIR": "/var/lib/waqiti-preview",
    }
    made = pulumi.run(work, "stack", "init", stack, environment=environment)
    if made.returncode:
        raise PulumiFailed(f"an empty stack {stack} cannot be made: {made.stderr.strip().splitlines()[-1]}")
    _configure(checkout.folder / f"Pulumi.{stack}.yaml", work / f"Pulumi.{stack}.yaml")
    return environment


def _configure(theirs: Path, ours: Path) -> None:
    """The stack's settings beside the new stack's own salt; what is encrypted there is a word here."""
    if not theirs.is_file():
        raise PulumiFailed(f"{theirs.name} is missing in {theirs.parent}; name a stack that has one")
    settings = yaml.safe_load(theirs.read_text(encoding="utf-8")) or {}
    own = yaml.safe_load(ours.read_text(encoding="utf-8")) or {} if ours.exists() else {}
    own["config"] = _without_secrets(settings.get("config") or {})
    ours.write_text(yaml.safe_dump(own), encoding="utf-8")


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {_MASK}:
            return SECRET
        return {key: _without_secrets(inner) for key, inner in value.items()}
    return [_without_secrets(inner) for inner in value] if isinstance(value, list) else value


def _without_passwords() -> dict[str, str]:
    # The program only asks that these two are set; a preview connects to nothing.
    given = {name: "" for name in os.environ if name.endswith("_DB_PASSWORD")}
    return {**given, "SOURCE_DB_PASSWORD": SECRET, "SOURCE_DB_ADMIN_PASSWORD": SECRET}
