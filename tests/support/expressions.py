"""Generated conditions, as services write them: for checks, indexes, policies, wherever one can stand.

All of them are immutable, so that each can stand in an index. What they are worth does not matter: they are
read and printed, never run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from hypothesis import strategies as st

NEEDED = """
CREATE TYPE mood AS ENUM ('sad', 'fine'); CREATE DOMAIN code AS varchar(5);
CREATE TYPE pair AS (l bigint, r bigint);
CREATE FUNCTION plain(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION many(VARIADIC bigint[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION "json"(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION "json_value"(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_catalog.texteq);
"""
"""What the conditions name, besides a table of COLUMNS."""
COLUMNS = {
    "a": "int", "b": "bigint", "n": "numeric(8,2)", "f": "float8", "h": "int2", "o": "boolean",
    "s": "varchar(9)", "x": "text", "c": "char(3)", "d": "date", "w": "timestamp", "z": "timestamptz(3)",
    "i": "interval", "j": "jsonb", "r": "int[]", "v": "varchar(9)[]", "m": "mood", "k": "code",
    "g": "int4range", "q": "inet", "p": "point", "y": "bytea", '"json"': "text", '"system_user"': "text",
    '"Odd n"': "int", '"order"': "text", '"merge_action"': "int",
}  # fmt: skip
_TEXTS, _NUMBERS = (
    ("s", "x", "c", "k", '"json"', '"system_user"', '"order"'),
    ("a", "b", "n", "f", "h", '"Odd n"'),
)
_OF_TEXT = (
    "lower({})", "upper({})", "btrim({})", "trim(both 'x' from {})", "substring({} from 2 for 3)",
    "overlay({} placing 'q' from 1)", "{} || 'x'", '({}) COLLATE "C"', "({})::varchar(4)",
    "coalesce({}, 'z')", "nullif({}, 'n')", "replace({}, 'a', E'b\\\\''')", "left({}, 2)", "({})::text",
    "greatest({}, 'b')", "CAST({} AS character(2))", "normalize({})", "split_part({}, ',', 1)", "plain({})",
)  # fmt: skip
_OF_NUMBER = (
    "({}) + 1", "-({})", "abs({})", "({}) * 2.5", "({})::bigint", "({})::numeric(6,1)", "coalesce({}, 0)",
    "greatest({}, 1, 2.5)", "({}) / 3", "({})::int2", "CASE WHEN ({}) > 3 THEN 1 ELSE 2 END",
    "CASE ({}) WHEN 1 THEN 2 WHEN 3 THEN 4 END", "round(({})::numeric, 1)",
)  # fmt: skip
_TESTS_OF_TEXT = (
    "({}) IN ('A', 'B')", "({}) NOT IN ('A', 'B')", "({}) IN ('A', 'B', NULL)", "({}) IN ('A')",
    "({}) = 'A'", "({}) BETWEEN 'A' AND 'B'", "({}) LIKE 'a%'", "({}) NOT ILIKE '%b_'", "({}) ~ '^[a-z]+$'",
    "({}) !~* 'x'", "({}) SIMILAR TO 'a|b'", "({}) LIKE 'a!_' ESCAPE '!'", "starts_with(({})::text, 'a')",
    "({}) IS NORMALIZED", "position('a' in {}) > 0", "({}) = ANY (ARRAY['a', 'b'])",
    "({}) <> ALL ('{{a,b}}')", "({}) = ANY ('{{a,b}}'::varchar[])", "length({}) BETWEEN 1 AND 9",
    "({}) IN ({}, 'x')", "({}) = ({})", "({})::text === 'x'", "ARRAY[{}::text, 'x'] && ARRAY['y']",
    "({}) IS DISTINCT FROM 'x'", "({}) IN ('1', '2') IS TRUE",
)  # fmt: skip
_TESTS_OF_NUMBER = (
    "({}) BETWEEN 1 AND 5 AND ({}) <> 3", "({}) BETWEEN 1 AND 5", "({}) NOT BETWEEN SYMMETRIC 5 AND 1",
    "({}) IN (1, 2)", "({}) IN (1, 2.5)", "({}) NOT IN (1, 2, -3)", "({}) > 0", "({}) = ANY (r)",
    "({}) < ALL (ARRAY[1, 2])", "NOT ({}) IS NULL", "({}) IN (1, 2, a)", "({}, b) < ({}, 3)",
    "({})::text = 'x'", "({}) = 9223372036854775807", "({}) = 1e-5", "({}) = '-7'", "num_nulls({}, {}) = 1",
    "({}) IN ('1', '2')",
)  # fmt: skip
_TESTS = (
    "o", "NOT o", "o IS NOT TRUE", "o IS UNKNOWN", "(a, s) < (1, 'x')", "(a, b) IN ((1, 2), (3, 4))",
    "(a, s) IS DISTINCT FROM (b, x)", "j ? 'k'", "j ->> 'k' = 'v'", "(j -> 'a' ->> 'b')::int > 3",
    "j @> '{\"a\": 1}'", "j #>> '{a,b}' IS NULL", "j['a'] = '1'", "r[1] = 2", "r[2:3] && ARRAY[1, 2]",
    "r @> ARRAY[a]", "s = ANY (v)", "v <@ ARRAY['a', 'b']::varchar[]", "cardinality(r) < 4",
    "r IN ('{1}', '{2}')", "v IN (v, '{a}')", "extract(year FROM d) > 2000",
    "date_part('dow', w) IN (0, 6)", "d BETWEEN '2026-01-01' AND '2026-12-31'", "w - i > '2026-01-01'",
    "(w AT TIME ZONE 'UTC') > z", "(z AT TIME ZONE 'UTC')::date = d", "(w, w + i) OVERLAPS (w, w - i)",
    "z > '2026-01-01 10:00-05'", "i < interval '3' day", "i = '1 year 2 days 03:00'",
    "i IN (interval '1 hour 2 minutes' hour to minute)", "m IN ('sad', 'fine')", "m = 'sad'::mood",
    "m > ANY (ARRAY['sad', 'fine']::mood[])", "g @> 3", "lower(g) > 1", "g = '[1,5]'", "NOT isempty(g)",
    "q << '10.0.0.0/8'", "p <@ box '((0,0),(1,1))'", "p[0] > 1", "y = '\\x00ff'", "get_byte(y, 0) = 1",
    "s::\"char\" = 'A'", "a OPERATOR(pg_catalog.+) 1 = 2", '"json"(a) = 1',
    '"json_value"("merge_action") IS NULL', "many(a, b)", "many(VARIADIC r::bigint[])",
    "w::date IN ('2026-01-01', '2026-01-02')", "ROW(a, b)::pair = ROW(1, 2)::pair",
    "(ROW(a, b)::pair).l > 1", "array_length(ARRAY[[a, 1], [b, 2]], 1) = 2", "a & 3 = 1",
    "a % 2 = 0 OR a >> 1 = 3", "x = s COLLATE \"POSIX\"", "a BETWEEN 1 AND 5 AND a <> 3",
    "(a IS NULL) = (b IS NULL)", "s < ANY (v[1:2])", "f = 'NaN' OR n = 'NaN'", "(s || x) IN ('A', 'B')",
    "coalesce(s, x, 'A') IN ('A', 'B')", "bit_length(s) IN (8, 16)", "true", "NULL::bool",
    "(x, s) = ANY (ARRAY[ROW('a'::text, 'b'::varchar)])", "B'101' = b::int::bit(3)",
)  # fmt: skip


def _grown(names: tuple[str, ...], forms: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.recursive(st.sampled_from(names), lambda part: _filled(forms, part), max_leaves=3)


def _filled(forms: tuple[str, ...], part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A form with a part in each of its places."""
    return st.builds(lambda form, *parts: form.format(*parts), st.sampled_from(forms), part, part)


def _joined(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    forms = (
    "({}) AND ({})", "({}) OR ({})", "NOT ({})", "({}) AND ({}) AND o", "({}) IS NOT FALSE", "({}) = ({})",
    "CASE WHEN {} THEN {} ELSE o END", "coalesce({}, {})", "(({}) OR ({})) AND a > 1",
    )  # fmt: skip
    return _filled(forms, part)


TEXT_CONDITIONS = _filled(_TESTS_OF_TEXT, _grown(("s",), _OF_TEXT))
"""Conditions over the column `s` alone."""
CONDITIONS = st.recursive(
    st.sampled_from(_TESTS)
    | _filled(_TESTS_OF_TEXT, _grown(_TEXTS, _OF_TEXT))
    | _filled(_TESTS_OF_NUMBER, _grown(_NUMBERS, _OF_NUMBER)),
    _joined,
    max_leaves=4,
)
"""Conditions over COLUMNS."""
_WORD = re.compile(r"""E?'(?:[^'\\]|\\.|'')*'|(?<![\w.])("[^"]+"|\w+)(?![\w"]|\s*\()""")


def renamed(condition: str, names: Mapping[str, str]) -> str:
    """The condition with its columns called otherwise: `new.a` for `a`, say."""
    return _WORD.sub(lambda word: names.get(word[1] or "", word[0]), condition)


_LITERAL = re.compile(r"""(?P<quote>'(?=[^']))|'(?:[^']|'')*'|"[^"]*"|(?<![\w.])(?P<number>\d+)(?!\w)""")


def altered(condition: str) -> str:
    """Another condition that is nearly the same: with another constant, or the opposite."""

    def other(found: re.Match[str]) -> str:
        if found["quote"]:
            return "'Q"
        return str(int(found["number"]) + 1) if found["number"] else found[0]

    changed = _LITERAL.sub(other, condition, count=1)
    return changed if changed != condition else f"NOT ({condition})"
