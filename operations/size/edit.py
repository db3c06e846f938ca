"""services.yaml with proposals put in, where a YAML parser says, so that comments stay. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import yaml

from operations.size.rules import Proposal


def edited(text: str, proposals: Iterable[Proposal]) -> str:
    """The catalogue's text with the proposals in it. Raises ValueError for a service that it has not."""
    for proposal in proposals:
        text = _put(text, proposal)
    return text


def difference(text: str, proposals: Iterable[Proposal], name: str = "services.yaml") -> str:
    """The same as a unified diff, which `git apply` and `patch -p1` take."""
    lines = difflib.unified_diff(
        text.splitlines(keepends=True),
        edited(text, proposals).splitlines(keepends=True),
        f"a/{name}",
        f"b/{name}",
    )
    return "".join(lines)


def _put(text: str, proposal: Proposal) -> str:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    entry = _child(_child(root, "services"), proposal.service)
    if entry is None:
        raise ValueError(f"no service {proposal.service} in the catalogue")
    section, key = proposal.path
    within = _child(entry, section)
    there = None if within is None else _child(within, key)
    if there is not None:
        return text[: there.start_mark.index] + proposal.proposed + text[there.end_mark.index :]
    if within is not None and isinstance(within, yaml.MappingNode) and within.value:
        first = within.value[0][0].start_mark
        if within.flow_style:
            return f"{text[: first.index]}{key}: {proposal.proposed}, {text[first.index :]}"
        return f"{text[: first.index]}{key}: {proposal.proposed}\n{' ' * first.column}{text[first.index :]}"
    first = entry.value[0][0].start_mark
    indent = " " * first.column
    new = f"{section}:\n{indent}  {key}: {proposal.proposed}\n{indent}"
    return text[: first.index] + new + text[first.index :]


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                found: yaml.Node = value
                return found
    return None
