"""The DDL that makes a relation, a type or a part of them, on both sides, what it is on the source. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from migration.catalog.described import Described
from migration.fidelity.columns import options, remark, say
from migration.fidelity.model import Difference

_FLAGS = {
    "row security": ("ENABLE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY"),
    "row security forced": ("FORCE ROW LEVEL SECURITY", "NO FORCE ROW LEVEL SECURITY"),
    "persistence": ("SET UNLOGGED", "SET LOGGED"),
}
_STATES = {None: "ENABLE", "disabled": "DISABLE", "always": "ENABLE ALWAYS", "replica": "ENABLE REPLICA"}
_SEQUENCE = {
    "type": "AS {}",
    "increment": "INCREMENT {}",
    "minimum": "MINVALUE {}",
    "maximum": "MAXVALUE {}",
    "start": "START {}",
    "cache": "CACHE {}",
}


def alter_relation(difference: Difference) -> Iterator[str]:
    """A table, view, sequence or foreign table."""
    if difference.source is None or difference.target is None:
        return
    wanted, name, changed = difference.source.properties, difference.identity, set(difference.changed)
    alter = say("ALTER {} {}", difference.kind.upper(), name)
    for what, (on, off) in _FLAGS.items():
        if what in changed:
            yield say("{} {}", alter, on if wanted.get(what) else off)
    yield from options(alter, difference)
    yield from options(alter, difference, "toast options", "toast.")
    if "replica identity" in changed:
        # An index as the replica identity is said of the index.
        to = {"nothing": "NOTHING", "full": "FULL"}.get(str(wanted.get("replica identity")), "DEFAULT")
        yield say("{} REPLICA IDENTITY {}", alter, to)
    if changed & {"inherits", "partition bound"}:
        yield from _inheritance(name, difference.source, difference.target)
    if "access method" in changed:
        yield say("{} SET ACCESS METHOD {}", alter, wanted.get("access method", "heap"))
    if "of type" in changed:
        yield say("{} OF {}", alter, wanted["of type"]) if "of type" in wanted else say("{} NOT OF", alter)
    if "partition key" in changed:
        yield remark(f"{name} is partitioned otherwise: no ALTER changes that, create it again")
    if "empty" in changed:
        yield say("REFRESH MATERIALIZED VIEW {}{}", name, " WITH NO DATA" if wanted.get("empty") else "")
    if difference.kind == "sequence":
        yield from _sequence(difference, difference.source)


def _inheritance(name: str, here: Described, there: Described) -> Iterator[str]:
    wanted, has = here.properties.get("inherits") or [], there.properties.get("inherits") or []
    bound, old = here.properties.get("partition bound"), there.properties.get("partition bound")
    for parent in has:
        if parent not in wanted or bound != old:
            yield (
                say("ALTER TABLE {} DETACH PARTITION {}", parent, name)
                if old
                else say("ALTER TABLE {} NO INHERIT {}", name, parent)
            )
    for parent in wanted:
        if parent not in has or bound != old:
            yield (
                say("ALTER TABLE {} ATTACH PARTITION {} {}", parent, name, bound)
                if bound
                else say("ALTER TABLE {} INHERIT {}", name, parent)
            )


def _sequence(difference: Difference, here: Described) -> Iterator[str]:
    changed, wanted = set(difference.changed), here.properties
    clauses = [say(text, wanted[what]) for what, text in _SEQUENCE.items() if what in changed]
    if "cycle" in changed:
        clauses.append("CYCLE" if wanted["cycle"] else "NO CYCLE")
    if clauses:
        yield say("ALTER SEQUENCE {} {}", difference.identity, " ".join(clauses))
    if "owned by" in changed:
        yield say("ALTER SEQUENCE {} OWNED BY {}", difference.identity, wanted.get("owned by", "NONE"))


def alter_type(difference: Difference) -> Iterator[str]:
    """An enum or a domain."""
    here, there = difference.source, difference.target
    if here is None or there is None:
        return
    wanted, changed, name = here.properties, set(difference.changed), difference.identity
    if changed - {"labels", "default", "not null"} or ("labels" in changed and not _grown(here, there)):
        yield remark(f"{difference.kind} {name} is of another make: no ALTER changes that, create it again")
        return
    if "labels" in changed:
        labels = wanted["labels"]
        for at, label in enumerate(labels):
            if label not in there.properties["labels"]:
                value = sql.Literal(label)
                if at:
                    yield say("ALTER TYPE {} ADD VALUE {} AFTER {}", name, value, sql.Literal(labels[at - 1]))
                else:
                    where = sql.Literal(labels[at + 1]).as_string(None)
                    yield say("ALTER TYPE {} ADD VALUE {} BEFORE {}", name, value, where)
    if "default" in changed:
        to = wanted.get("default")
        yield (
            say("ALTER DOMAIN {} DROP DEFAULT", name)
            if to is None
            else say("ALTER DOMAIN {} SET DEFAULT {}", name, to)
        )
    if "not null" in changed:
        yield say("ALTER DOMAIN {} {} NOT NULL", name, "SET" if wanted.get("not null") else "DROP")


def _grown(here: Described, there: Described) -> bool:
    """Whether the target's labels are the source's without some."""
    has = there.properties.get("labels") or []
    return [label for label in here.properties["labels"] if label in has] == has


def alter_part(difference: Difference) -> Iterator[str] | None:
    """An index, trigger, rule or policy; None where it has to be made again."""
    changed = set(difference.changed)
    if difference.kind in {"trigger", "rule"} and changed == {"state"}:
        return _state(difference)
    if difference.kind == "index" and changed <= {"clustered", "replica identity", "statistics", "part of"}:
        return alter_index(difference)
    if difference.kind == "constraint" and changed == {"definition", "valid"}:
        return _validity(difference)
    return None


def _state(difference: Difference) -> Iterator[str]:
    if difference.source is not None:
        state = _STATES[difference.source.properties.get("state")]
        kind, name = difference.kind.upper(), difference.source.properties["name"]
        yield say("ALTER TABLE {} {} {} {}", difference.source.on, state, kind, name)


def alter_index(difference: Difference) -> Iterator[str]:
    """What an index is to its table, and its columns' statistics."""
    here, there = difference.source, difference.target
    if here is None or there is None:
        return
    wanted, changed, table = here.properties, difference.changed, here.on
    if "clustered" in changed:
        to = say("CLUSTER ON {}", wanted["name"]) if wanted.get("clustered") else "SET WITHOUT CLUSTER"
        yield say("ALTER TABLE {} {}", table, to)
    if "replica identity" in changed:
        using = say("USING INDEX {}", wanted["name"]) if wanted.get("replica identity") else "DEFAULT"
        yield say("ALTER TABLE {} REPLICA IDENTITY {}", table, using)
    if "statistics" in changed:
        aims, has = wanted.get("statistics") or {}, there.properties.get("statistics") or {}
        for number in sorted(aims.keys() | has.keys(), key=int):
            value = aims.get(number, -1)
            yield say("ALTER INDEX {} ALTER COLUMN {} SET STATISTICS {}", difference.identity, number, value)
    if "part of" in changed and "part of" in wanted:
        yield say("ALTER INDEX {} ATTACH PARTITION {}", wanted["part of"], difference.identity)


def _validity(difference: Difference) -> Iterator[str]:
    """Validated where the source's is; where only the target's is valid, it has to be made again."""
    here = difference.source
    if here is None or difference.target is None:
        return
    of = str(here.properties["of"]).upper()
    if here.properties.get("valid", True) and str(difference.target.properties["definition"]) == (
        f"{here.properties['definition']} NOT VALID"
    ):
        yield say("ALTER {} {} VALIDATE CONSTRAINT {}", of, here.on, here.properties["name"])
    else:
        yield f"{difference.target.drop}"
        yield f"{here.create}"


def create_policy(policy: Described) -> str:
    """CREATE POLICY, from its properties: no server prints it."""
    is_ = policy.properties
    roles = [sql.Identifier(role) for role in is_.get("roles") or ()]
    parts = [
        sql.SQL("CREATE POLICY {} ON {} AS {} FOR {} TO {}").format(
            sql.SQL(is_["name"]),
            sql.SQL(policy.on or ""),
            sql.SQL("RESTRICTIVE" if is_.get("restrictive") else "PERMISSIVE"),
            sql.SQL(is_["command"]),
            sql.SQL(", ").join(roles) if roles else sql.SQL("PUBLIC"),
        )
    ]
    for what, word in (("using", "USING"), ("check", "WITH CHECK")):
        if what in is_:
            parts.append(sql.SQL("{} ({})").format(sql.SQL(word), sql.SQL(is_[what])))
    return sql.SQL(" ").join(parts).as_string(None)
