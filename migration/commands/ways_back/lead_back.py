"""Leads one moved service back to the shared database, as `rollback --immediate` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.contract import Service
from migration.commands.verbs import Verbs, source_plan, switch_figures
from migration.journal.states import State
from migration.moves.online import Online


def lead_back(verbs: Verbs, online: Online, service: Service, *, verified: bool) -> Mapping[str, Any]:
    """Bring over what was carried, bring guards up to date, compare, switch; returns figures of the switch.

    Raises what `Online.rollback` does: the service is then where it was.
    """
    online.require_way_back(service)
    plan = online.carried(service, lambda: source_plan(verbs.contract, service))
    online.update_guards(online.require_way_back(service), service, plan)
    return {"state": State.FOLLOWING, **switch_figures(online.rollback(service, plan, verified=verified))}
