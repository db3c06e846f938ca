"""The servers that a restore point is made in, each with its sessions opened ahead of the pause."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from components.contract import Contract, Endpoint, Service
from core.errors import AuthenticationFailed, GatewayFailed, MigrationError, StepTimeout
from core.gateway.together import Route
from core.points.model import SHARED, Exact, PlacePoint
from core.sessions.at_once import Answer, Asked, at_once
from core.sessions.connections import Database
from core.sessions.queries import queries, statements
from core.sessions.session import Connection
from core.sessions.stack import source_database

query = queries(__package__)
statement = statements(__package__)

NAMES = {"pointing": "waqiti-restore-point", "looking": "waqiti-restore-point-look"}
BEGIN = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
POINT, LOOK = "waqiti_point", "waqiti_look"
"""Prepared statements of the two sessions."""


@dataclass
class Place:
    """One server: the shared one, or a service's own."""

    name: str
    database: Database
    services: Sequence[str]
    pointing: Connection
    looking: Connection
    system: int


@dataclass(frozen=True)
class Made:
    """What making the point in a place gave."""

    point: PlacePoint
    snapshot: str | None


def backup_database(service: Service) -> Database:
    """A service's own database, as its backup role: reads everything, writes nothing, may make points."""
    return Database(f"{service.name}'s own database", "target", service.instance, service.backup)


def place_database(contract: Contract, place: str) -> Database:
    """A place as the role that makes points there: of the shared database, its administrator."""
    return source_database(contract) if place == SHARED else backup_database(contract.services[place])


def homes(contract: Contract, routes: Mapping[str, Route]) -> dict[str, str]:
    """The place of each service: where its gateway leads. Raises GatewayFailed where that is neither."""
    found = {}
    for name, route in routes.items():
        if _is_at(route, contract.services[name].instance):
            found[name] = name
        elif _is_at(route, contract.source.endpoint):
            found[name] = SHARED
        else:
            raise GatewayFailed(
                f"the gateway of {name} leads to {route.host}:{route.port}/{route.database}, neither the "
                "shared database nor the service's own; check its routes file, or run `pulumi up`"
            )
    return found


@contextlib.contextmanager
def opened(contract: Contract, home: Mapping[str, str]) -> Iterator[dict[str, Place]]:
    """The places of some services, by name. Raises what connecting raises, and AuthenticationFailed."""
    with contextlib.ExitStack() as stack:
        places = {}
        for name in sorted(set(home.values())):
            database = place_database(contract, name)
            pointing, looking = (
                stack.enter_context(contextlib.closing(database.connect(application_name=NAMES[kind])))
                for kind in ("pointing", "looking")
            )
            with database.translated("asking whether it may make restore points"):
                system, may, standby = _facts(pointing)
            if standby:
                raise MigrationError(f"{database.label} ({database.where}) is in recovery: it writes no WAL")
            if not may:
                raise AuthenticationFailed(
                    f"{database.label} does not let {database.login.name} make restore points: run `pulumi "
                    "up`, or there, as superuser, GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO "
                    + sql.Identifier(database.login.name).as_string(pointing)
                )
            services = [service for service, place in home.items() if place == name]
            places[name] = Place(name, database, services, pointing, looking, system)
        yield places


def prepare(places: Mapping[str, Place], name: str, *, digests: bool) -> None:
    """Ahead of the pause: both statements are planned, and what they need is in their sessions' caches.

    Else eight servers plan at the same time while all clients wait. Raises what `Database.translated` does.
    """
    for place in places.values():
        with place.database.translated("preparing the restore point"):
            point, look = (
                _prepared(POINT, _point(place, name, digests=digests)),
                _prepared(LOOK, query("look")),
            )
            place.pointing.execute(point)
            place.pointing.execute(sql.SQL("EXPLAIN EXECUTE {}").format(sql.Identifier(POINT)))
            if digests:
                with place.pointing.transaction(force_rollback=True):
                    place.pointing.execute("SELECT pg_catalog.pg_export_snapshot()")
            place.looking.execute(look)
            place.looking.execute(_execute(LOOK))


def make(places: Mapping[str, Place], seconds: float, *, digests: bool) -> dict[str, Answer]:
    """Make the point in all places at once. Raises StepTimeout and MigrationError: some may have it then."""
    begin = BEGIN if digests else b""
    answers = at_once(
        {name: (place.pointing, begin + _execute(POINT)) for name, place in places.items()}, seconds
    )
    for name, answer in answers.items():
        _require(places[name], answer)
    return answers


def looks(places: Mapping[str, Place]) -> dict[str, Asked]:
    """What each place is asked after the point, before anybody goes on."""
    return {name: (place.looking, _execute(LOOK)) for name, place in places.items()}


def made(
    places: Mapping[str, Place], points: Mapping[str, Answer], seen: Mapping[str, Answer], *, digests: bool
) -> dict[str, Made]:
    """What was made, from the answers of `make` and `looks`. Raises as `make`."""
    for name, place in places.items():
        _require(place, seen[name])
    return {name: _made(place, points[name], seen[name], digests=digests) for name, place in places.items()}


def flush(places: Mapping[str, Place]) -> None:
    """Wait until the point is on every place's disk. Raises what `Database.translated` does."""
    for place in places.values():
        with place.database.translated("waiting for the restore point to be on its disk"):
            place.looking.execute("SET synchronous_commit = on")
            place.looking.execute("SELECT pg_catalog.pg_logical_emit_message(true, 'waqiti', 'flush')")


def _facts(connection: Connection) -> tuple[int, bool, bool]:
    row = connection.execute(query("facts")).fetchone()
    if row is None:
        raise AssertionError("functions give a row")
    return int(row[0]), bool(row[1]), bool(row[2])


def _point(place: Place, name: str, *, digests: bool) -> bytes:
    exported = sql.SQL("pg_catalog.pg_export_snapshot()" if digests else "NULL")
    composed = statement("point").format(snapshot=exported, name=sql.Literal(name))
    return composed.as_bytes(place.pointing)


def _prepared(name: str, text: bytes) -> bytes:
    return f"PREPARE {name} AS ".encode() + text


def _execute(name: str) -> bytes:
    return f"EXECUTE {name}".encode()


def _require(place: Place, answer: Answer) -> None:
    if answer.late:
        raise StepTimeout(f"{place.database.label} did not make the restore point in time")
    if answer.error:
        raise MigrationError(f"{place.database.label} did not make the restore point: {answer.error}")


def _made(place: Place, answer: Answer, look: Answer, *, digests: bool) -> Made:
    row, seen = answer.rows[-1], look.rows[-1]
    beside = tuple(filter(None, seen["beside"].split("; ")))
    exact: Exact = "yes"
    if row["seen"] != seen["seen"]:
        exact = "no" if beside or seen["workers"] == "0" else "replication"
    point = PlacePoint(
        system=place.system,
        version=place.pointing.info.server_version,
        timeline=int(row["timeline"], 16),
        lsn=row["lsn"],
        services=tuple(place.services),
        exact=exact if digests else None,
        beside=beside,
    )
    return Made(point, row["snapshot"] or None)


def _is_at(route: Route, end: Endpoint) -> bool:
    return (route.port, route.database) == (end.port, end.database) and route.host in {end.host, end.address}
