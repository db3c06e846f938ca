"""Preflight and plan together: what every verb that moves something asks first."""

from __future__ import annotations

from collections.abc import Sequence

from components.contract import Contract, Service
from migration.catalog import read_catalog
from migration.plan import make_plan
from migration.plan_model import Plan
from migration.preflight import check_disks, check_gateways, check_source, check_targets
from migration.schema import read_target
from migration.stack import source_database, target_database


def examine(contract: Contract, services: Sequence[Service]) -> Plan:
    """Check that the services can be moved from and to, and return their plan, go or no-go.

    Touches nothing. Raises the first check that fails (see `migration.preflight`); what only the plan
    finds is in its problems, `Plan.check` raises it.
    """
    facts = check_source(contract, services)
    check_gateways(contract, services)
    check_targets(contract, services, facts)
    check_disks(services, facts)
    return read_plan(contract, services)


def read_plan(contract: Contract, services: Sequence[Service]) -> Plan:
    """The services' plan, from the catalogues as they are now."""
    source = source_database(contract)
    with source.connect() as connection, source.translated("reading its catalogue"):
        catalog = read_catalog(connection, application=contract.source.application.name)
    targets = {service.name: read_target(target_database(service)) for service in services}
    return make_plan(contract, catalog, [service.name for service in services], targets)
