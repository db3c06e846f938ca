"""Which schemas look like services, and what a service, its database and its roles are called. Pure.

The names follow the plan's: schema `user_schema`, service `user`, endpoint `postgres-user`, database
`waqiti_users`, role `waqiti_user_service`, password variable `USER_DB_PASSWORD`.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

from components.catalogue.rules import is_reserved
from core.errors import NothingToDraft, SchemaMissing
from migration.boundary.archives import is_archive
from migration.init.model import SchemaFacts

FIRST_PORT = 5433
PLANNED = ("user", "payment", "wallet", "ledger", "compliance", "analytics", "security", "notification")
"""The plan's services, in the order of their ports; others follow by name."""
SUFFIX = "_schema"
_IN_PLURAL = frozenset({"user", "payment", "wallet", "notification"})
"""Those whose database the plan calls by what it holds."""
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_LEFTOVER = re.compile(r".*_(backup|bak|old|archive|archived|copy|tmp|temp)(_?\d+)?")
_LONGEST = 30
_LONGEST_STEM = 20


@dataclass(frozen=True, slots=True)
class ServiceNames:
    """What one service's entry calls things."""

    service: str
    schema: str
    host: str
    port: int
    database: str
    role: str
    password_variable: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """The schemas that become services, and why the others do not."""

    schemas: tuple[SchemaFacts, ...]
    left: tuple[tuple[str, str], ...]
    """Schema and reason."""


def choose(
    schemas: Iterable[SchemaFacts], named: Sequence[str], database: str, known: Container[str] = ()
) -> Chosen:
    """The schemas that look like a service's; those that were `named`, and no others, where some were.

    Those that are `known` already are taken whatever they look like.

    Raises SchemaMissing for a name that is not there, NothingToDraft when there is none to take.
    """
    there = {schema.name: schema for schema in schemas}
    for name in named:
        if name not in there:
            raise SchemaMissing(
                f"the database {database} has no schema {name}; there are: {', '.join(there) or 'none'}"
            )
        if why := _impossible(name):
            raise NothingToDraft(f"the schema {name} cannot be a service's: {why}")
    # Where most schemas of services are called alike, one that is not is something else.
    habit = sum(name.endswith(SUFFIX) for name in there) >= 2
    left = []
    for schema in there.values():
        if schema.name in named or schema.name in known:
            continue
        if why := "not named" if named else _unlike(schema, habit):
            left.append((schema.name, why))
    unlike = {name for name, _ in left}
    taken = tuple(schema for schema in there.values() if schema.name not in unlike)
    if not taken:
        why = "; ".join(f"{name}: {reason}" for name, reason in left) or "it has no schema"
        raise NothingToDraft(
            f"the database {database} has no schema that looks like a service's ({why}); name some with"
            " --schema, or move their tables into schemas first (ALTER TABLE ... SET SCHEMA ...)"
        )
    return Chosen(taken, tuple(left))


def _impossible(name: str) -> str:
    if not _IDENTIFIER.fullmatch(name):
        return (
            "services.yaml takes names of lower-case letters, digits and `_`: ALTER SCHEMA ... RENAME first"
        )
    if is_reserved(name):
        return "its name is reserved; move its tables into a schema of their own first"
    return ""


def _unlike(schema: SchemaFacts, habit: bool) -> str:
    """Why a schema is no service's; empty when it is one's."""
    signs = (
        (schema.of_extension, "an extension's"),
        (is_archive(schema.name), "the old copy of a service that is finished"),
        (not schema.tables, "no tables"),
        (bool(_impossible(schema.name)), _impossible(schema.name)),
        (_LEFTOVER.fullmatch(schema.name) is not None, "looks like a copy that somebody left"),
        (habit and not schema.name.endswith(SUFFIX), f"the others end with {SUFFIX}"),
    )
    return next((why for true, why in signs if true), "")


def name_services(
    schemas: Sequence[SchemaFacts],
    database: str,
    taken_ports: Iterable[int] = (),
    taken_services: Iterable[str] = (),
) -> list[ServiceNames]:
    """The names of each schema's service, in the order of their ports; each valid, and nobody else's.

    `taken_ports` and `taken_services` are left out.
    """
    others = frozenset(taken_services)
    services: dict[str, SchemaFacts] = {}
    for schema in sorted(schemas, key=lambda one: (not one.name.endswith(SUFFIX), one.name)):
        services[_unused(_service_name(schema.name), {*services, *others})] = schema
    order = sorted(services, key=lambda name: (_rank(name), name))
    ports = _ports(frozenset(taken_ports))
    stem = _stem(database)
    databases: set[str] = set()
    made = []
    for name in order:
        word = name.replace("-", "_")
        many = f"{stem}_{_plural(word, services[name].names)}"
        own = many if many not in databases else f"{stem}_{word}_service"
        databases.add(own)
        variable = word.upper() + "_DB_PASSWORD"
        if variable in {"SOURCE_DB_PASSWORD", "SOURCE_DB_ADMIN_PASSWORD"}:
            variable = f"{word.upper()}_SERVICE_DB_PASSWORD"  # those are the shared database's
        made.append(
            ServiceNames(
                name,
                services[name].name,
                f"postgres-{name}",
                next(ports),
                own,
                f"{stem}_{word}_service",
                variable,
            )
        )
    return made


def _rank(name: str) -> int:
    return PLANNED.index(name) if name in PLANNED else len(PLANNED)


def _service_name(schema: str) -> str:
    """The schema's name as services are called: letters, digits and `-`, a letter first."""
    text = schema.removesuffix(SUFFIX) or schema
    text = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if not text or not text[0].isalpha():
        text = f"s-{text}".strip("-")
    return text[:_LONGEST].strip("-")


def _unused(name: str, used: Iterable[str]) -> str:
    """The name, numbered where it is taken."""
    taken, number, made = set(used), 2, name
    while made in taken:
        tail = f"-{number}"
        made, number = name[: _LONGEST - len(tail)].strip("-") + tail, number + 1
    return made


def _plural(word: str, tables: Sequence[str]) -> str:
    many = f"{word}s"
    return many if word in _IN_PLURAL or many in tables else word


def _stem(database: str) -> str:
    """What the shared database's name gives the others to begin with."""
    text = re.sub(r"[^a-z0-9]+", "_", database.lower())[:_LONGEST_STEM].strip("_")
    return text if text[:1].isalpha() and not is_reserved(f"{text}_") else f"db_{text}".strip("_")


def _ports(taken: frozenset[int]) -> Iterator[int]:
    return (port for port in range(FIRST_PORT, 2**16) if port not in taken)
