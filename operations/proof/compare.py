"""A restored database against the digests of the restore point to which it was brought back."""

from __future__ import annotations

from collections.abc import Callable

from components.contract import Contract
from core.points.model import Point
from core.sessions.connections import Database
from operations.restore_points.restored import check_restored


def comparison(contract: Contract, point: Point, service: str) -> Callable[[Database], int]:
    """What takes the restored database of `service` and returns how many rows were those of `point`."""

    def compare(database: Database) -> int:
        verdict = check_restored(contract, point, {service: database})
        verdict.require()
        return verdict.rows

    return compare
