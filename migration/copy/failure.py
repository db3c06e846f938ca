"""What a client program said on standard error, as one of `core.errors`."""

from __future__ import annotations

import re

import psycopg
from psycopg import errors as pg

from core.errors import ConnectionLost, DiskFull, MigrationError, SourceUnreachable, TargetUnreachable
from core.sessions.connections import Database

_VERBOSE = re.compile(r"^\S.*?: +([0-9A-Z]{5}): (.*)$", re.MULTILINE)
"""psql with VERBOSITY=verbose: `ERROR:  53100: could not extend file ...`, in any language."""

_PREFIX = re.compile(r"^psql: (error: )?")


def client_error(database: Database, said: str, doing: str) -> MigrationError:
    """Name what psql reported about `database` while `doing` ("copying schema.table").

    Only the server's primary message is kept: details may quote rows.
    """
    found = _VERBOSE.search(said)
    if found is None:
        line = next((line for line in said.splitlines() if line.strip()), "its client ended without a word")
        return database.translate(psycopg.OperationalError(_PREFIX.sub("", line)), doing)
    code, message = found.groups()
    try:
        kind = pg.lookup(code)
    except KeyError:
        kind = psycopg.DatabaseError
    return database.translate(kind(message), doing)


def foremost(failures: list[MigrationError]) -> MigrationError:
    """The failure to show when several workers fail at once: the cause, rather than what follows from it.

    A disk that fills up can end the server, and so cut the other connections.
    """
    for failure in failures:
        if isinstance(failure, DiskFull):
            return failure
    for failure in failures:
        if not isinstance(failure, ConnectionLost | SourceUnreachable | TargetUnreachable):
            return failure
    # A worker that was about to connect meets what cut another one off.
    for failure in failures:
        if isinstance(failure, ConnectionLost):
            return failure
    return failures[0]
