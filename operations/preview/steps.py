"""What a preview of Pulumi would do, resource by resource: its JSON, read. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

SERVICE_DATABASE = "waqiti:database:ServiceDatabase"
_ROLES = "waqiti:database:Roles"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine writes for a text that only `up` will know."""
SECRET = "[secret]"  # noqa: S105 - what the engine writes instead of one

REPLACING = frozenset({"replace", "create-replacement", "delete-replaced"})
REMOVING = frozenset({"delete", "discard"})
_IN_VAIN = frozenset({"same", "read", "refresh", "read-replacement", "remove-pending-replace"})
_HIDDEN = frozenset({"__provider", "__defaults"})
_EMPTY_WORDS = frozenset({"", "preview failed"})
_URN = re.compile(r"'?\burn:pulumi:\S+::([\w.-]+)'?")
_COLOURS = re.compile(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Change:
    """A property before and after; None: it was, or will be, none."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Step:
    """What would happen to one resource."""

    operation: str
    """`create`, `update`, `replace` or `delete`."""
    urn: str
    type: str
    name: str
    service: str | None
    """The service whose ServiceDatabase it is part of; None: of the whole stack."""
    changes: tuple[Change, ...] = ()
    """Of its inputs, by name; none where only a look at the machine says that it is not as it was left."""
    before: Mapping[str, Any] = field(default_factory=dict)
    """Its inputs, as the state has them."""
    after: Mapping[str, Any] = field(default_factory=dict)
    """Its inputs, as the program declares them."""
    protected: bool = False
    retained: bool = False
    """Whether it stays where it is when it leaves the state."""
    why_replaced: tuple[str, ...] = ()

    def change(self, name: str) -> Change | None:
        """The change of that property, if there is one."""
        return next((change for change in self.changes if change.name == name), None)


@dataclass(frozen=True)
class Preview:
    """All that a preview said."""

    steps: tuple[Step, ...]
    """Those that do something."""
    resources: int
    """Of the program, the others too."""
    errors: tuple[str, ...] = ()
    """What refuses the change, in the engine's, a provider's or a policy's words."""
    warnings: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    """The stack's, as Pulumi has them: text each, objects as JSON."""


def read_preview(document: Mapping[str, Any]) -> Preview:
    """The document of `pulumi preview --json`."""
    raw = document.get("steps") or []
    services = _Services(raw)
    seen: dict[str, Step] = {}
    for one in raw:
        step = _step(one, services)
        if step is not None and (step.urn not in seen or step.operation == "replace"):
            seen[step.urn] = step
    said = [
        (line.get("severity"), _plain(line.get("message", ""))) for line in document.get("diagnostics") or []
    ]
    return Preview(
        steps=tuple(seen.values()),
        resources=sum((document.get("changeSummary") or {}).values()),
        errors=tuple(
            dict.fromkeys(text for kind, text in said if kind == "error" and text not in _EMPTY_WORDS)
        ),
        warnings=tuple(dict.fromkeys(text for kind, text in said if kind == "warning" and _telling(text))),
        settings=document.get("config") or {},
    )


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """The properties that differ, by name."""
    return tuple(
        Change(name, before.get(name), after.get(name))
        for name in sorted({*before, *after} - _HIDDEN)
        if before.get(name) != after.get(name)
    )


def _step(one: Mapping[str, Any], services: _Services) -> Step | None:
    operation = one["op"]
    if operation in _IN_VAIN:
        return None
    kind = "replace" if operation in REPLACING else "delete" if operation in REMOVING else operation
    kind = "create" if kind == "import" else kind
    old, new = one.get("oldState") or {}, one.get("newState") or {}
    state = new or old
    before, after = inputs(old), inputs(new)
    return Step(
        operation=kind,
        urn=one["urn"],
        type=state.get("type", one["urn"].split("::")[2].rpartition("$")[2]),
        name=one["urn"].rpartition("::")[2],
        service=services.of(one["urn"]),
        changes=differences(before, after) if old and new else (),
        before=before,
        after=after,
        protected=bool(old.get("protect")),
        retained=bool(old.get("retainOnDelete")),
        why_replaced=tuple(one.get("replaceReasons") or ()),
    )


def inputs(state: Mapping[str, Any]) -> dict[str, Any]:
    """What the program declares of a resource; what is secret or not yet known is the same word each time."""
    found: dict[str, Any] = json.loads(json.dumps(state.get("inputs") or {}), object_hook=_without_secrets)
    return {key: value for key, value in found.items() if key not in _HIDDEN}


def _without_secrets(value: dict[str, Any]) -> Any:
    # Signature of a secret in a state: pulumi/sdk/go/common/resource/sig.
    return SECRET if "4dabf18193072939515e22adb298388d" in value else value


def service_of(one: Mapping[str, Any]) -> str | None:
    """The service of a raw step, as far as its own parents say."""
    return _Services([one]).of(one["urn"])


class _Services:
    """Which service a resource belongs to, by its parents."""

    def __init__(self, raw: list[Mapping[str, Any]]) -> None:
        self._parents = {
            one["urn"]: ((one.get("newState") or one.get("oldState") or {}).get("parent")) for one in raw
        }

    def of(self, urn: str) -> str | None:
        for one in self._line(urn):
            if _type(one) == SERVICE_DATABASE:
                return one.rpartition("::")[2]
            if _type(one) == _ROLES:
                # It stands under its service's, which a preview does not list where it stays as it is.
                return one.rpartition("::")[2].removesuffix("-roles")
        return None

    def _line(self, urn: str | None) -> Iterator[str]:
        while urn:
            yield urn
            urn = self._parents.get(urn)


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _telling(warning: str) -> bool:
    return bool(warning) and "pulumi-analyzer-policy-waqiti from $PATH" not in warning


def _plain(text: str) -> str:
    said = " ".join(_COLOURS.sub("", text).split())
    for prefix in ("error: ", "warning: ", "Preview failed: "):
        said = said.removeprefix(prefix)
    return _URN.sub(r"`\1`", said)
