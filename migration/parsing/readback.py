"""What PostgreSQL prints and does not read back, in a spelling that it does read. Pure.

A definition with one of these is refused wherever it is created again, by pg_dump and pg_restore too:

- `CYCLE ... SET x TO 'Y'::text DEFAULT 'N'::text`: the grammar takes a constant there and no cast
  (`AexprConst` in PostgreSQL's gram.y), so `text 'Y'` is written for it.
- A name that became a keyword in a newer version (`json_value`, `system_user`): an older one prints it bare,
  which the newer one refuses, or takes for its own function. A server prints its own keywords in capitals.
- A parameter without a name beside others that have one, in a parsed body (`BEGIN ATOMIC`, `RETURN`): it is
  printed as an empty name, `""`. Where only one is nameless it is known which `$n` is meant.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from core.postgres_parser import FunctionParameterMode, parse_sql, parser
from migration.catalog.quoting import with_quotes

_STRING = r"(?:E'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*')"
_QUOTED = r'"(?:[^"]|"")+"'
NAME = rf"(?:{_QUOTED}|[^\W\d][\w$]*)"
"""A name as a server prints it, quoted or not: a regular expression."""
_TYPE = rf"(?:{_QUOTED}|(?!\b(?:DEFAULT|USING)\b)[^'\"])+?"
_VALUE = rf"(?:(?:{_STRING}|NULL)::{_TYPE}|{_STRING}|[^\s'\"]+)"
_CYCLE = re.compile(
    rf"{_STRING}|{_QUOTED}|\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$"
    rf"|(?P<head>\bCYCLE {NAME}(?:, {NAME})* SET {NAME} TO )(?P<to>{_VALUE})"
    rf"(?P<middle> DEFAULT )(?P<default>{_VALUE})(?= USING )",
    re.DOTALL,
)
_SHAPE = re.compile(rf"{_STRING}|{_QUOTED}|(?P<bracket>[()])", re.DOTALL)
_CAST = re.compile(rf"(?P<value>{_STRING}|NULL)::(?P<type>.+)", re.DOTALL)
_INTERVAL = re.compile(r"interval (?P<fields>\w.*)")
_NAMELESS = re.compile(
    rf"{_STRING}|\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$|{_QUOTED}(?!\.\"\")|(?P<empty>(?:{NAME}\.)?\"\")",
    re.DOTALL,
)


def readable(printed: str) -> str:
    """The statement (or several) as the server reads it, where that is known; else as it was."""
    text = with_quotes(printed)
    if "CYCLE" in text:
        text = _CYCLE.sub(_constants, text)
    return _with_parameters(text) if '""' in text else text


def names_of(printed: str) -> tuple[str, ...]:
    """The parts of a dotted name, as catalogues have them."""
    parts = (found[0] for found in re.finditer(NAME, printed))
    return tuple(part[1:-1].replace('""', '"') if part.startswith('"') else part for part in parts)


def condition_of(trigger: str) -> tuple[str, str, str] | None:
    """A trigger's definition: what comes before its condition, the condition, what comes after it."""
    depth, begin = 0, 0
    for token in _SHAPE.finditer(trigger):
        if token["bracket"] == "(":
            if depth == 0 and trigger.endswith(" WHEN ", 0, token.start()):
                begin = token.end()
            depth += 1
        elif token["bracket"] == ")":
            depth -= 1
            if begin and depth == 0:
                return trigger[:begin], trigger[begin : token.start()], trigger[token.start() :]
    return None


def reads_back(printed: str) -> bool:
    """Whether the grammar takes what `readable` makes of it."""
    try:
        parser.parse_sql_json(readable(printed))
    except parser.ParseError:
        return False
    return True


def _constants(found: re.Match[str]) -> str:
    if found["head"] is None:
        return found[0]
    return found["head"] + _constant(found["to"]) + found["middle"] + _constant(found["default"])


def _constant(value: str) -> str:
    """A cast of a literal as a constant of that type; NULL takes the other one's."""
    cast = _CAST.fullmatch(value)
    if cast is None:
        return value
    if cast["value"] == "NULL":
        return "NULL"
    interval = _INTERVAL.fullmatch(cast["type"])
    if interval is not None:
        return f"interval {cast['value']} {interval['fields']}"
    return f"{cast['type']} {cast['value']}"


def _with_parameters(printed: str) -> str:
    try:
        numbers = _nameless(_NAMELESS.sub(lambda one: "$1" if one["empty"] else one[0], printed))
    except parser.ParseError:
        return printed
    if len(numbers) != 1:
        return printed
    return _NAMELESS.sub(lambda one: f"${numbers[0]}" if one["empty"] else one[0], printed)


def _nameless(statement: str) -> list[int]:
    """The numbers of the parameters without a name, of a CREATE FUNCTION or PROCEDURE."""
    tree: Any = parse_sql(statement)[0].stmt
    taken = [one for one in getattr(tree, "parameters", None) or () if one.mode in _takes()]
    return [number for number, one in enumerate(taken, start=1) if not one.name]


@cache
def _takes() -> frozenset[FunctionParameterMode]:
    return frozenset(
        {
            FunctionParameterMode.FUNC_PARAM_IN,
            FunctionParameterMode.FUNC_PARAM_INOUT,
            FunctionParameterMode.FUNC_PARAM_VARIADIC,
            FunctionParameterMode.FUNC_PARAM_DEFAULT,
        }
    )
