"""Where restored databases are, as a person names them on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.contract import Contract
from core.errors import PointRefused
from core.points.model import SHARED, Point
from core.points.places import backup_database
from core.sessions.connections import Database
from core.sessions.stack import source_database
from operations.restore_points.restored import restored_database


def restored_databases(contract: Contract, point: Point, given: Sequence[str]) -> Mapping[str, Database]:
    """The restored database of each service of `SERVICE=HOST:PORT`; `shared=` is for all that lived there.

    HOST may be the folder of a unix socket. Raises PointRefused for what names no place or no service.
    """
    found: dict[str, Database] = {}
    for text in given:
        name, _, address = text.partition("=")
        host, _, port = address.rpartition(":")
        if not name or not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise PointRefused(f"{text!r} says no place: write SERVICE=HOST:PORT, as in user=127.0.0.1:6001")
        services = [service for service, place in point.homes.items() if name in {service, place}]
        if not services:
            known = ", ".join(
                dict.fromkeys([*point.homes, *(point.places if SHARED in point.places else ())])
            )
            raise PointRefused(f"the restore point {point.name!r} has no {name!r}; it has {known}")
        for service in services:
            own = point.homes[service] != SHARED
            live = backup_database(contract.services[service]) if own else source_database(contract)
            found[service] = restored_database(live, host, int(port), service)
    return found
