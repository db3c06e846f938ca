"""Preflight and plan together: what every verb that moves something asks first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from components.contract import Contract, Service
from core.sessions.stack import source_database, target_database
from migration.catalog.read import read_catalog
from migration.examine.application_settings import different_settings, with_settings
from migration.examine.applications import with_applications
from migration.examine.computed_there import with_computed_there
from migration.examine.event_trigger_probe import with_event_triggers
from migration.examine.generated_values import with_generated_values
from migration.examine.huge_rows import with_huge_rows
from migration.examine.key_orphans import with_orphans
from migration.examine.newer_values import with_newer_values
from migration.examine.ran import ran_problems
from migration.examine.twin_rows import with_twin_rows
from migration.plan.facts import read_target
from migration.plan.locale_probe import LocaleProbe
from migration.plan.make import make_plan
from migration.plan.model import Plan
from migration.plan.preflight import check_disks, check_gateways, check_source, check_targets
from migration.plan.session_changes import session_changes, with_session_changes
from migration.traffic.read import Ran, read_needs


def examine(
    contract: Contract, services: Sequence[Service], *, writes_stop: bool = False, logs: Sequence[Path] = ()
) -> Plan:
    """Check that the services can be moved from and to, and return their plan, go or no-go: while they are
    written to, or where `writes_stop`. What ran is also read from the shared server's `logs`.

    Touches nothing. Raises the first check that fails (see `migration.plan.preflight`); what only the plan
    finds is in its problems, `Plan.check` raises it.
    """
    facts = check_source(contract, services)
    check_gateways(contract, services)
    check_targets(contract, services, facts)
    check_disks(services, facts)
    source, plan = source_database(contract), read_plan(contract, services, applications=True, logs=logs)
    common = contract.source.application.name
    different = {
        service.name: different_settings(source, common, target_database(service), service.service.name)
        for service in services
    }
    plan = with_settings(plan, services, different)
    changes = {service.name: session_changes(contract, service) for service in services}
    plan = with_session_changes(plan, services, changes)
    plan = with_orphans(with_event_triggers(plan, source), source)
    plan = with_twin_rows(with_generated_values(plan, source), source)
    plan = with_huge_rows(plan, source)
    plan = with_computed_there(plan, source, {one.name: target_database(one) for one in services})
    if writes_stop:
        return plan
    return with_newer_values(plan, source, _versions(services)).online()


def _versions(services: Sequence[Service]) -> dict[str, int]:
    """The major versions of the services' own servers."""
    found = {}
    for service in services:
        with target_database(service).connect() as connection:
            found[service.name] = connection.info.server_version // 10_000
    return found


def read_plan(
    contract: Contract,
    services: Sequence[Service],
    *,
    applications: bool = False,
    logs: Sequence[Path] = (),
) -> Plan:
    """The services' plan, from the catalogues as they are now; with `applications` also from what ran."""
    source = source_database(contract)
    with source.connect() as connection, source.translated("reading its catalogue"):
        catalog = read_catalog(connection, application=contract.source.application.name)
        ran, found = read_needs(connection, contract, catalog, logs) if applications else (Ran(), [])
    probe = LocaleProbe(source, catalog.server.locale)
    targets = {service.name: read_target(target_database(service), probe) for service in services}
    plan = make_plan(contract, catalog, [service.name for service in services], targets)
    plan = replace(plan, problems=(*plan.problems, *ran_problems(services, catalog, plan, ran.statements)))
    return with_applications(plan, services, found, targets)
