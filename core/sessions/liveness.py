"""A server that stops answering without closing its connections must not hold the operator for ever.

TCP notices a peer that is unreachable (half a minute, see `connections`), but not one whose machine answers
while the server does not: a process that is stopped, a disk that hangs, a load balancer with nobody behind
it. Statements of a migration may rightly take hours, so silence alone proves nothing. While a session waits,
its server is asked now and then for any answer at all; when it gives none for `SILENCE_SECONDS`, this
program's sessions there are cut, and what waited fails with one line (docs/decisions/0037-silent-servers.md).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import struct
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg import pq

from core.sessions.session import Connection

SILENCE_SECONDS = 30.0
"""So long may a server with a waiting session give no sign of life."""
_AGAIN_SECONDS = 0.2
QUIET_SHARE = 1 / 3
"""Of the limit: a statement that is answered sooner makes nobody ask."""

_GSSENC_REQUEST = struct.pack("!ii", 8, (1234 << 16) | 5680)
"""Any PostgreSQL or PgBouncer answers it by one byte, ahead of all authentication and without a log line:
https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-GSSAPI"""


@dataclass(frozen=True)
class Place:
    """Where a server listens."""

    host: str
    port: int

    def answers(self, seconds: float) -> bool:
        """Whether it says anything within `seconds`; a refused connection is an answer of its machine."""
        try:
            with socket.create_connection((self.host, self.port), seconds) as asking:
                asking.settimeout(seconds)
                asking.sendall(_GSSENC_REQUEST)
                asking.recv(1)
        except TimeoutError:
            return False
        except OSError as error:
            return isinstance(error, ConnectionError)
        return True


@dataclass
class _Registry:
    """The sessions and client programs of this process, by where they lead."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    sessions: weakref.WeakKeyDictionary[Connection, Place] = field(
        default_factory=weakref.WeakKeyDictionary[Connection, Place]
    )
    clients: dict[int, tuple[Place, Callable[[], object]]] = field(default_factory=dict)
    silent: set[Place] = field(default_factory=set)
    """Those that were given up, until a session is opened there again."""

    def waiting(self) -> set[Place]:
        """Where somebody waits for an answer at this moment."""
        with self.lock:
            found = {place for place, _ in self.clients.values()}
            return found | {place for session, place in self.sessions.items() if _is_waiting(session)}

    def cut(self, place: Place) -> None:
        """End all sessions and clients there: whoever waits gets an error at once."""
        with self.lock:
            self.silent.add(place)
            sessions = [session for session, where in self.sessions.items() if where == place]
            kills = [kill for where, kill in self.clients.values() if where == place]
        for session in sessions:
            _shut(session)
        for kill in kills:
            with contextlib.suppress(OSError):
                kill()


_registry = _Registry()
_numbers = itertools.count()


def register(connection: Connection, host: str, port: int) -> None:
    """A session was opened; it is looked after as long as it lives."""
    place = Place(host, port)
    with _registry.lock:
        _registry.silent.discard(place)
        _registry.sessions[connection] = place


@contextmanager
def client(host: str, port: int, kill: Callable[[], object]) -> Iterator[None]:
    """A client program waits for the server as long as the context lasts; `kill` ends it."""
    key = next(_numbers)
    with _registry.lock:
        _registry.clients[key] = (Place(host, port), kill)
    try:
        yield
    finally:
        with _registry.lock:
            _registry.clients.pop(key, None)


def is_silent(host: str, port: int) -> bool:
    """Whether a server there was given up, and no session was opened there since."""
    return Place(host, port) in _registry.silent


@contextmanager
def watching(seconds: float | None = None) -> Iterator[None]:
    """Look after all sessions of this process while the context lasts. Contexts may be nested."""
    limit = SILENCE_SECONDS if seconds is None else seconds
    done = threading.Event()
    thread = threading.Thread(target=_watch, args=(limit, done), name="liveness", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Cut every session that waits after `seconds`, or begins to later, whatever its server says."""
    done = threading.Event()

    def cut() -> None:
        late = done.wait(seconds)
        while not late:
            _cut_waiting()
            late = done.wait(_AGAIN_SECONDS)

    threading.Thread(target=cut, name="at most", daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _cut_waiting() -> None:
    for place in _registry.waiting():
        _registry.cut(place)


def _watch(limit: float, done: threading.Event) -> None:
    since: dict[Place, float] = {}
    failures: dict[Place, int] = {}
    while not done.wait(limit / 30):
        now = time.monotonic()
        waiting = _registry.waiting()
        for place in [*since]:
            if place not in waiting:
                del since[place]
                failures.pop(place, None)
        for place in waiting:
            if now - since.setdefault(place, now) < limit * QUIET_SHARE:
                continue
            if place.answers(limit * QUIET_SHARE):
                del since[place]
                failures.pop(place, None)
                continue
            failures[place] = failures.get(place, 0) + 1
            if failures[place] > 1:
                _registry.cut(place)
                del since[place], failures[place]


def _is_waiting(session: Connection) -> bool:
    return not session.closed and session.pgconn.transaction_status == pq.TransactionStatus.ACTIVE


def _shut(session: Connection) -> None:
    """Close a session's socket under it: libpq reads the end of the stream."""
    try:
        number = session.pgconn.socket
        with socket.socket(fileno=os.dup(number)) as double:
            # Closed and used again meanwhile, the number would be somebody else's.
            if not session.closed and session.pgconn.socket == number:
                double.shutdown(socket.SHUT_RDWR)
    except (OSError, psycopg.Error):
        return
