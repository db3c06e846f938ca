"""Before a start makes anything: the foreign keys that the plan had no time to look through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migration.examine import key_orphans
from migration.steps.context import OfflineMove


def require_no_orphans(move: OfflineMove) -> Mapping[str, Any]:
    """Look through them now. Raises SourceSettings with the first key that has orphans."""
    keys = [key for key in move.plan.catalog.foreign_keys if key.id in move.own.unproven_keys]
    key_orphans.require_no_orphans(move.source, keys)
    return {"keys": len(keys)}
