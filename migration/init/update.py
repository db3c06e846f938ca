"""An existing services.yaml with what has come to the database since: lines are added.

No other line is touched: comments, order and spelling are the person's. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from migration.init.draft import Draft, ServiceDraft
from migration.init.write import crossing_lines, quoted, scalar, service_lines


@dataclass(frozen=True, slots=True)
class _Edit:
    """Lines `first` to `last` (not included) become `lines`."""

    first: int
    last: int
    lines: tuple[str, ...]


def updated(text: str, draft: Draft) -> str:
    """The text with the services, extensions, `reads` and crossings that it lacks."""
    lines = text.splitlines()
    services = _value(yaml.compose(text, Loader=yaml.SafeLoader), "services")
    edits: list[_Edit] = []
    for service in draft.services:
        entry = _value(services, service.names.service)
        if service.kept is not None and isinstance(entry, yaml.MappingNode):
            edits += _of_service(text, entry, service)
    # From the end on, so that line numbers stay true; of those at one place the last one first.
    for _, edit in sorted(enumerate(edits), key=lambda pair: (pair[1].first, pair[0]), reverse=True):
        lines[edit.first : edit.last] = edit.lines
    for service in draft.services:
        if service.kept is None:
            lines += ["", *service_lines(service)]
    return "\n".join(lines) + "\n"


def _of_service(text: str, entry: yaml.MappingNode, service: ServiceDraft) -> Iterator[_Edit]:
    kept = service.kept
    if kept is None:
        return
    margin = " " * entry.start_mark.column
    yield from _crossings(text, entry, service, margin)
    lists = {
        "extensions": (service.extensions, kept.extensions),
        "reads": (service.reads, kept.reads),
    }
    for key, (now, before) in lists.items():
        if now != before:
            line = f"{margin}{key}: {scalar(list(now))}"
            pair = _pair(entry, key)
            if pair is None:
                yield _after(entry, line)
            else:
                yield _Edit(pair[0].start_mark.line, _end(pair[1]) + 1, (line,))
    if service.row_security is not None and kept.row_security is None:
        yield _after(entry, f"{margin}rowSecurity: {service.row_security}")


def _crossings(text: str, entry: yaml.MappingNode, service: ServiceDraft, margin: str) -> Iterator[_Edit]:
    fresh = tuple(one for one in service.crossings if not one.kept and quoted(one.match) not in text)
    if not fresh:
        return
    pair = _pair(entry, "crossing")
    if pair is not None and pair[1].value:
        yield _after(pair[1], *crossing_lines(fresh, " " * pair[1].start_mark.column))
        return
    key = f"{margin}{'' if any(one.action for one in fresh) else '# '}crossing:"
    lines = (key, *crossing_lines(fresh, f"{margin}  "))
    if pair is None:
        yield _after(entry, *lines)
    else:
        yield _Edit(pair[0].start_mark.line, _end(pair[1]) + 1, lines)


def _pair(node: yaml.Node | None, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next(((name, value) for name, value in node.value if name.value == key), None)


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    pair = _pair(node, key)
    return pair[1] if pair is not None else None


def _after(node: yaml.Node, *lines: str) -> _Edit:
    at = _end(node) + 1
    return _Edit(at, at, lines)


def _end(node: yaml.Node) -> int:
    """The last line that a node has something on: a block's own end mark is at what follows it."""
    if isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    if isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}:
        return node.end_mark.line - 1
    return node.end_mark.line
