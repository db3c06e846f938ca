"""Routines, operators, casts and types with odd signatures, drawn by hypothesis.

What PostgreSQL refuses (two of one name and input, a default before none) is left out by the server itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from hypothesis import strategies as st

_TYPES = (
    "int", "text", "int[]", "user_schema.mood", "user_schema.percent", "user_schema.pair",
    "user_schema.floats", "user_schema.many_floats", "numeric(5, 2)", "\"char\"", "character varying",
    "user_schema.t", "user_schema.\"it's, (odd)\"", "user_schema.\"it's, (odd)\"[]", "timestamptz",
)  # fmt: skip
_NAMES = ("x", "y", '"Odd ""name"", (int)"', '"out"')

BASE = """
    CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN percent AS numeric(5, 2) CHECK (VALUE < 101);
    CREATE TABLE t (id int PRIMARY KEY, p percent, note text); CREATE TYPE pair AS (a mood, b percent[], c t);
    CREATE DOMAIN pairs AS pair[] CHECK (cardinality(VALUE) < 9);
    CREATE TYPE floats AS RANGE (subtype = float8, multirange_type_name = many_floats);
    CREATE TYPE percents AS RANGE (subtype = percent);
    CREATE TYPE "it's, (odd)" AS ENUM ('a');
    CREATE FUNCTION add(numeric, numeric) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN $1 + $2;
    CREATE FUNCTION count_up(bigint) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN $1 + 1;
    CREATE FUNCTION count_all(bigint, VARIADIC int[]) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN $1 + 1;
    CREATE FUNCTION keep(numeric, text) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN $1;
    CREATE FUNCTION by_key() RETURNS SETOF text LANGUAGE sql
        BEGIN ATOMIC SELECT note FROM user_schema.t GROUP BY id; END;
    CREATE MATERIALIZED VIEW grouped AS SELECT id, note, count(*) FROM t GROUP BY id;
    CREATE VIEW over_grouped AS SELECT * FROM grouped; CREATE VIEW of_function AS SELECT by_key();
"""
"""Types that signatures are made of, and what pg_dump puts after the rows."""

ODD = """
    CREATE TABLE kept (id int);
    CREATE AGGREGATE x(*) (SFUNC = count_up, STYPE = bigint, INITCOND = '0');
    CREATE AGGREGATE y(*) (SFUNC = count_up, STYPE = bigint, INITCOND = '0');
    CREATE AGGREGATE x(VARIADIC int[]) (SFUNC = count_all, STYPE = bigint, INITCOND = 0);
    CREATE AGGREGATE middle(text ORDER BY numeric) (SFUNC = add, STYPE = numeric, FINALFUNC = keep);
    CREATE PROCEDURE p(int) LANGUAGE plpgsql AS 'BEGIN NULL; END';
    CREATE PROCEDURE p(OUT int) LANGUAGE plpgsql AS 'BEGIN NULL; END';
    CREATE PROCEDURE p(text, OUT int) LANGUAGE plpgsql AS 'BEGIN NULL; END';
    CREATE PROCEDURE p(text, int) LANGUAGE plpgsql AS 'BEGIN NULL; END';
    CREATE PROCEDURE p(INOUT t, VARIADIC "it's, (odd)"[]) LANGUAGE plpgsql AS 'BEGIN NULL; END';
    CREATE FUNCTION "out"(bigint) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
    CREATE PROCEDURE "out"(OUT bigint) LANGUAGE plpgsql AS 'BEGIN NULL; END';
    CREATE FUNCTION r(INOUT a int, OUT b pair) LANGUAGE plpgsql AS 'BEGIN RETURN; END';
    CREATE FUNCTION r(a floats, b many_floats, "it's, (odd)") RETURNS int LANGUAGE sql RETURN 1;
    CREATE OPERATOR ! (RIGHTARG = bigint, FUNCTION = count_up);
    CREATE OPERATOR +& (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = add, COMMUTATOR = &+);
    CREATE CAST (pair AS text) WITH INOUT; CREATE CAST (mood AS percent) WITH INOUT AS ASSIGNMENT;
    CREATE CONVERSION ours FOR 'LATIN2' TO 'UTF8' FROM iso8859_to_utf8;
    CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = simple);
    CREATE TEXT SEARCH CONFIGURATION ours (COPY = simple);
    ALTER TEXT SEARCH CONFIGURATION ours ALTER MAPPING FOR asciiword WITH words;
    CREATE STATISTICS st ON p, note FROM t; CREATE COLLATION co (PROVIDER = libc, LOCALE = 'C');
    CREATE FUNCTION positive(pair) RETURNS bool LANGUAGE sql RETURN ($1).a IS NOT NULL;
    ALTER DOMAIN pairs ADD CHECK (user_schema.positive(VALUE[1]));
    CREATE TYPE ring AS (a int); CREATE DOMAIN ring_domain AS ring;
    ALTER TYPE pair ADD ATTRIBUTE d ring_domain[];
    CREATE RULE also AS ON INSERT TO t DO ALSO INSERT INTO user_schema.kept VALUES (NEW.id);
"""
"""Each kind that a role without superuser rights makes, of every signature."""


@st.composite
def signatures(draw: Callable[..., Any]) -> list[str]:
    """Statements for a schema that has BASE; each may be refused by the server."""
    makers = (_function, _procedure, _procedure, _aggregate, _aggregate, _operator, _cast)
    return [draw(st.sampled_from(makers))(draw) for _ in range(draw(st.integers(8, 20)))]


def _arguments(draw: Callable[..., Any], modes: Sequence[str], most: int = 3) -> list[tuple[str, str]]:
    """(mode, type) of each."""
    pair = st.tuples(st.sampled_from(modes), st.sampled_from(_TYPES))
    return list(draw(st.lists(pair, max_size=most)))


def _listed(draw: Callable[..., Any], arguments: Sequence[tuple[str, str]]) -> str:
    named = draw(st.booleans())
    parts = [
        f"{mode} {f'a{number}' if named else ''} {kind}" for number, (mode, kind) in enumerate(arguments)
    ]
    if draw(st.booleans()):
        parts.append("VARIADIC v int[]" if named else "VARIADIC int[]")
    return ", ".join(parts)


def _function(draw: Callable[..., Any]) -> str:
    name = draw(st.sampled_from(_NAMES))
    listed = _listed(draw, _arguments(draw, ("IN", "IN", "", "OUT", "INOUT")))
    returns = "" if "OUT " in listed else "RETURNS int"
    return f"CREATE FUNCTION {name}({listed}) {returns} LANGUAGE plpgsql AS 'BEGIN RETURN; END'"


def _procedure(draw: Callable[..., Any]) -> str:
    name = draw(st.sampled_from(_NAMES))
    listed = _listed(draw, _arguments(draw, ("IN", "", "OUT", "OUT", "INOUT")))
    return f"CREATE PROCEDURE {name}({listed}) LANGUAGE plpgsql AS 'BEGIN NULL; END'"


def _aggregate(draw: Callable[..., Any]) -> str:
    name = draw(st.sampled_from(_NAMES))
    return str(
        draw(
            st.sampled_from((
                f"CREATE AGGREGATE {name}(*) (SFUNC = count_up, STYPE = bigint, INITCOND = '0')",
                f"CREATE AGGREGATE {name}(numeric) (SFUNC = add, STYPE = numeric, INITCOND = '0')",
                f"CREATE AGGREGATE {name}(VARIADIC int[]) (SFUNC = count_all, STYPE = bigint, INITCOND = 0)",
                f"CREATE AGGREGATE {name}(ORDER BY numeric) (SFUNC = add, STYPE = numeric)",
                f"CREATE AGGREGATE {name}(text ORDER BY numeric) (SFUNC = add, STYPE = numeric,"
                " FINALFUNC = keep)",
            ))
        )
    )  # fmt: skip


def _operator(draw: Callable[..., Any]) -> str:
    name = draw(st.sampled_from(("+&", "<~>", "@@@", "!")))
    if draw(st.booleans()):
        return f"CREATE OPERATOR {name} (RIGHTARG = bigint, FUNCTION = count_up)"
    more = draw(st.sampled_from(("", ", COMMUTATOR = &+", ", COMMUTATOR = OPERATOR(user_schema.+&)")))
    return f"CREATE OPERATOR {name} (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = add{more})"


def _cast(draw: Callable[..., Any]) -> str:
    source, to = draw(st.sampled_from(_TYPES)), draw(st.sampled_from(_TYPES))
    return f"CREATE CAST ({source} AS {to}) WITH INOUT AS ASSIGNMENT"


def run_what_is_taken(connection: psycopg.Connection[Any], statements: Sequence[str]) -> list[str]:
    """Run each statement on its own (autocommit), and return those that the server took."""
    taken = []
    for statement in statements:
        try:
            connection.execute(statement.encode())
        except psycopg.Error:
            continue
        taken.append(statement)
    return taken
