"""What a finished service's old copy holds, as digests: nobody writes there any more, so it can be checked
for as long as it is kept (`report verify`, docs/evidence.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.evidence.lookup import digest_of_tables
from core.points.digests import Rows, digest_all
from migration.journal.evidence import ARCHIVED
from migration.steps.context import OnlineMove
from migration.steps.runner import Step


def take_digests(move: OnlineMove) -> Mapping[str, Any]:
    """Read every row of the old copy; empty where it is not there any more. Raises what `digest_all` does."""
    schema = ""
    for record in move.journal.steps(move.move):
        schema = record.figures.get("archived_as") or schema
    if not schema:
        return {}
    rows = Rows(move.name, move.source, [schema], None)
    found = digest_all([rows], move.stop)[move.name]
    tables = {name: {"rows": one.rows, "digest": one.digest} for name, one in found.tables.items()}
    return {
        "schema": schema,
        "rows": found.rows,
        "digest": digest_of_tables(tables),
        "probe": found.probe,
        "tables": tables,
    }


TAKE_DIGESTS = Step(ARCHIVED, take_digests)
