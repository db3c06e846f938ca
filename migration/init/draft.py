"""The first draft of a catalogue: services with names, sizes, extensions and crossings. Pure.

Where there was a catalogue before, what it says of a service stays; what has come since is added.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from pydantic import SecretStr

from components.catalogue.model import Catalogue, ServiceEntry
from components.contract import (
    Contract,
    Endpoint,
    LocalGatewayControl,
    LocalInstanceControl,
    Login,
    RowSecurityMode,
    Service,
    Source,
)
from core.sessions.connections import Database
from migration.init.crossings import Crossing, Proposed, propose
from migration.init.model import SchemaFacts, Survey
from migration.init.names import Chosen, ServiceNames, name_services
from migration.init.sizes import Sizes, work_out
from migration.init.survey import likeliest
from migration.plan.model import ServicePlan

_ALWAYS_THERE = frozenset({"plpgsql", "pg_stat_statements"})
USUAL_TARGET, NEWEST_TARGET = 17, 18
"""Major versions of the services' own servers."""
_NOBODY = Login(name="nobody", password=SecretStr(""))


@dataclass(frozen=True)
class ServiceDraft:
    """One service's entry in the making."""

    names: ServiceNames
    sizes: Sizes
    extensions: tuple[str, ...]
    missing: tuple[str, ...]
    """Extensions that it needs and that its own server would not have."""
    reads: tuple[str, ...]
    row_security: RowSecurityMode | None
    """What keeps today's effect, where the plan asks."""
    crossings: tuple[Crossing, ...]
    tables: int
    bytes: int
    kept: ServiceEntry | None
    """What services.yaml said before."""


@dataclass(frozen=True)
class Draft:
    """All of it."""

    survey: Survey
    services: tuple[ServiceDraft, ...]
    """In the order of their ports."""
    proposed: Proposed
    left: tuple[tuple[str, str], ...]
    """Schemas that are no service's, and why."""
    application: str
    """The role that all services share."""
    application_there: bool
    gone: tuple[str, ...]
    """Services of the catalogue of before whose schema is not there any more."""

    def owner(self, schema: str) -> str:
        """Who owns a schema."""
        return next(one.owner for one in self.survey.schemas if one.name == schema)

    @property
    def undecided(self) -> list[tuple[str, Crossing]]:
        """What only a person can decide, with its service."""
        return [(s.names.service, c) for s in self.services for c in s.crossings if c.action is None]


def target_version(source: int) -> int:
    """The major version of the services' own servers: the usual one, or the shared database's newer one."""
    return min(max(source, USUAL_TARGET), NEWEST_TARGET)


def make_draft(
    survey: Survey,
    source: Database,
    chosen: Chosen,
    *,
    application: str | None,
    taken_ports: Iterable[int] = (),
    before: Catalogue | None = None,
    available: frozenset[str] | None = None,
) -> Draft:
    """Draft the catalogue of the chosen schemas. `available`: the extensions that the services' own servers
    have; None: not known."""
    common = application or likeliest(survey.roles)
    role = common or f"{source.endpoint.database.lower()[:20]}_app"
    kept = {entry.schema_name: (name, entry) for name, entry in (before.services if before else {}).items()}
    named = _named(chosen.schemas, source.endpoint.database, taken_ports, kept)
    schemas = {schema.name: schema for schema in chosen.schemas}
    sizes = work_out(survey, {one.service: schemas[one.schema] for one in named}, role)
    entries = {one.service: kept[one.schema][1] for one in named if one.schema in kept}
    version = target_version(survey.server.major)
    contract = provisional_contract(source, role, named, entries, version)
    proposed = propose(contract, survey.catalog)
    missing = frozenset(survey.catalog.extensions) - available if available is not None else frozenset()
    extensions = _Extensions(_called_by_applications(survey, proposed), missing)
    services = tuple(
        _service(
            one,
            _Facts(schemas[one.schema], sizes[one.service], entries.get(one.service)),
            proposed,
            extensions,
        )
        for one in named
    )
    return Draft(
        survey,
        services,
        proposed,
        chosen.left,
        role,
        any(r.name == role for r in survey.roles),
        tuple(name for schema, (name, _) in kept.items() if schema not in schemas),
    )


def provisional_contract(
    source: Database,
    application: str,
    named: Sequence[ServiceNames],
    entries: Mapping[str, ServiceEntry],
    version: int,
) -> Contract:
    """A contract as the stack would export it, as far as a plan reads it: nothing is behind its instances.

    `version` is their major one.
    """
    endpoint = source.endpoint
    return Contract(
        project="waqiti",
        stack="init",
        platform="local",
        program="init",
        catalogue_digest="",
        source=Source(
            endpoint=endpoint,
            administrator=source.login,
            application=Login(name=application, password=SecretStr("")),
        ),
        services={
            one.service: _provisional(one, endpoint, entries.get(one.service), version) for one in named
        },
    )


def _named(
    schemas: Sequence[SchemaFacts],
    database: str,
    taken_ports: Iterable[int],
    kept: Mapping[str, tuple[str, ServiceEntry]],
) -> list[ServiceNames]:
    known = [
        ServiceNames(
            kept[schema.name][0],
            schema.name,
            entry.endpoint.host,
            entry.endpoint.port,
            entry.database,
            entry.role,
            entry.password_variable,
        )
        for schema in schemas
        if schema.name in kept
        for entry in (kept[schema.name][1],)
    ]
    fresh = [schema for schema in schemas if schema.name not in kept]
    held = {entry.endpoint.port for _, entry in kept.values()}
    made = name_services(fresh, database, {*taken_ports, *held}, {name for name, _ in kept.values()})
    return sorted([*known, *made], key=lambda one: one.port)


@dataclass(frozen=True)
class _Facts:
    """What is known of one service."""

    schema: SchemaFacts
    sizes: Sizes
    kept: ServiceEntry | None


@dataclass(frozen=True)
class _Extensions:
    """What holds for all services."""

    called: frozenset[str]
    missing: frozenset[str]


def _called_by_applications(survey: Survey, proposed: Proposed) -> frozenset[str]:
    """Extensions that statements use, as far as is known; nobody can tell whose statements."""
    called, callable_ = survey.called, survey.callable
    if called is not None:
        return frozenset(name for name, names in callable_.items() if names & called) - _ALWAYS_THERE
    needed = {e.name for plan in proposed.plan.services.values() for e in plan.extensions}
    return frozenset(name for name, names in callable_.items() if names) - needed - _ALWAYS_THERE


def _service(names: ServiceNames, facts: _Facts, proposed: Proposed, extensions: _Extensions) -> ServiceDraft:
    kept, schema = facts.kept, facts.schema
    plan = proposed.plan.services[names.service]
    # The stack makes extensions in `public`; those of other schemas come with the move, where they are.
    needed = {one.name for one in plan.extensions if one.schema == "public"}
    needed = needed - _ALWAYS_THERE | extensions.called
    before = kept.extensions if kept else ()
    read = {replica.referenced for replica in plan.replicas}
    reads_before = kept.reads if kept else ()
    return ServiceDraft(
        names,
        facts.sizes,
        (*before, *sorted(needed - extensions.missing - set(before))),
        tuple(sorted(needed & extensions.missing)),
        (*reads_before, *sorted(read - set(reads_before))),
        _row_security(plan),
        proposed.crossings[names.service],
        schema.tables,
        schema.bytes,
        kept,
    )


def _row_security(plan: ServicePlan) -> RowSecurityMode | None:
    """What the plan offers first, which keeps what the role sees."""
    lines = " ".join(problem.line for problem in plan.problems)
    offered = re.search(r"rowSecurity:\s*(\w+)", lines)
    return next((mode for mode in get_args(RowSecurityMode) if offered and mode == offered[1]), None)


def _provisional(names: ServiceNames, source: Endpoint, kept: ServiceEntry | None, version: int) -> Service:
    return Service(
        name=names.service,
        schema_name=names.schema,
        own_schema=kept.own_schema if kept else None,
        endpoint=source,
        instance=source,
        version=version,
        owner=f"{names.role}_owner",
        service=Login(name=names.role, password=SecretStr("")),
        migration=_NOBODY,
        monitoring=_NOBODY,
        backup=_NOBODY,
        gateway_control=LocalGatewayControl(
            sockets="", port=0, administrator=_NOBODY, routes="", service_userlist=""
        ),
        instance_control=LocalInstanceControl(binaries="", data="", sockets=""),
        pool_maximum=1,
        crossing=kept.crossing if kept else (),
        row_security=kept.row_security if kept else None,
        reads=kept.reads if kept else (),
    )
