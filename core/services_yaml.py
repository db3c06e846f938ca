"""What is printed for services.yaml: written by a YAML library, so that it can be pasted as it is. Pure.

A `line` says where a value belongs, `services: <service>: <key>: <value>`, in one line for people; the value
is YAML, that of `crossing` a list of one rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yaml import SafeDumper, ScalarNode

_REASON = "..."
_UNCUT = 1 << 30
"""Columns: a rule stays on its line."""

Settings = dict[str, dict[str, Any]]
"""Service, key, value."""


def crossing_item(identity: str, action: str, *, pattern: bool = False) -> str:
    """The rule for one edge, or for all that a pattern matches, as an item of `crossing`, on one line."""
    match = _Quoted(identity if pattern else literal(identity))
    rule = {"match": match, "action": action, "reason": _Quoted(_REASON)}
    return "- " + _dump(rule, default_flow_style=True).rstrip("\n")


def setting_line(service: str, key: str, value: str | list[str] | dict[str, str]) -> str:
    """A `Problem.line` that gives a key of a service its value; texts of mappings stand in quotes."""
    told = {name: _Quoted(text) for name, text in value.items()} if isinstance(value, dict) else value
    dumped = _dump(told, default_flow_style=True)
    return f"services: {service}: {key}: {dumped.removesuffix(chr(10)).removesuffix('...').rstrip()}"


def settings_of(lines: Iterable[str]) -> Settings:
    """All that lines say, service by service: lists are put together, of all else the first counts."""
    found: Settings = {}
    for line in dict.fromkeys(lines):
        service, key, value = taken_apart(line)
        own = found.setdefault(service, {})
        if isinstance(value, list):
            there = own.setdefault(key, [])
            there += [item for item in value if item not in there]
        elif isinstance(value, dict) and isinstance(own.get(key), dict):
            own[key] = {**value, **own[key]}
        else:
            own.setdefault(key, value)
    return found


def taken_apart(line: str) -> tuple[str, str, Any]:
    """The service, the key under it, and the value. Raises ValueError for what is no line, or no YAML."""
    import yaml

    try:
        _, service, key, value = line.split(": ", 3)
        return service, key, yaml.safe_load(value)
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"not a line for services.yaml: {line}") from error


def block(lines: Iterable[str]) -> str:
    """What to paste, every key under its service: a part of services.yaml, as YAML; empty for no lines."""
    found = settings_of(lines)
    if not found:
        return ""
    return _dump({"services": found}, default_flow_style=False)


def in_words(line: str) -> str:
    """Where a line belongs and what it is, in one line."""
    _, service, key, value = line.split(": ", 3)
    if value.startswith("- "):
        return f"under `{key}` of {service} in services.yaml, before the rules that are there: {value}"
    if value.startswith("["):
        return f"under {service} in services.yaml, in place of `{key}` where it is there: {key}: {value}"
    if value.startswith("{"):
        return f"under {service} in services.yaml, together with `{key}` where it is there: {key}: {value}"
    return f"under {service} in services.yaml: {key}: {value}"


def literal(text: str) -> str:
    """A pattern that matches the text itself: `fnmatch`'s special characters in brackets."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in text)


class _Quoted(str):
    """A text that stands in quotes."""


@cache
def _dumper() -> type[SafeDumper]:
    """The library is imported for those that print something for services.yaml: most verbs do not."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            """Items of a list stand further in than its key."""
            super().increase_indent(flow, indentless=False)

        def ignore_aliases(self, data: Any) -> bool:
            """The same value twice is written twice."""
            return True

    def quoted(dumper: SafeDumper, text: str) -> ScalarNode:
        style = "'" if text.isprintable() else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style=style)

    Dumper.add_representer(_Quoted, quoted)
    return Dumper


def _dump(value: object, **settings: Any) -> str:
    import yaml

    dumped: str = yaml.dump(
        value, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=_UNCUT, **settings
    )
    return dumped
