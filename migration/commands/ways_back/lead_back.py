"""Leads one moved service back to the shared database, as `rollback --immediate` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.contract import Service
from migration.commands.verbs import Verbs, source_plan, switch_figures
from migration.gates.values import require_values_go_back
from migration.journal.states import State
from migration.moves.online import Online
from migration.plan.model import Plan


def lead_back(verbs: Verbs, online: Online, service: Service, *, verified: bool) -> Mapping[str, Any]:
    """Bring over what was carried, bring guards up to date, compare, switch; returns figures of the switch.

    Raises GateClosed where a value cannot go back, and what `Online.rollback` does: the service is then where
    it was.
    """
    plan, _ = ready_to_go_back(verbs, online, service)
    return {"state": State.FOLLOWING, **switch_figures(online.rollback(service, plan, verified=verified))}


def ready_to_go_back(verbs: Verbs, online: Online, service: Service) -> tuple[Plan, Mapping[str, Any]]:
    """What goes before the comparison; returns the plan. Raises WrongState, and what carrying over raises."""
    online.require_way_back(service)

    def read() -> Plan:
        return source_plan(verbs.contract, service)

    require_values_go_back(verbs.contract, service, read)
    plan = online.carried(service, read)
    online.update_guards(online.require_way_back(service), service, plan)
    return plan, {}
