"""That a replica is being filled now, for whoever looks: a lock of the operator's own session.

It is gone with that session, however the operator ends: nobody takes a dead one's work for work that goes on.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.journal.journal import Journal
from migration.references.model import Link

query = queries(__package__)

_KEY = int.from_bytes(b"wqfl")


@contextmanager
def filling(journal: Journal, link: Link) -> Iterator[None]:
    """Let it be seen that this operator fills the link's replicas, while context and operator last."""
    with journal.holding(_KEY, number_of(link)):
        yield


def filling_now(connection: Connection) -> frozenset[int]:
    """The links (see `number_of`) whose replicas a live operator fills; a session on the shared database."""
    return frozenset(row[0] for row in connection.execute(query("filling"), {"key": _KEY}))


def number_of(link: Link) -> int:
    """What stands for a link there: of its name, the same in every process; int4, without a sign."""
    return zlib.crc32(link.name.encode()) & 0x7FFFFFFF
