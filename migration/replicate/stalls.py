"""Why a subscription does not apply: what its server's log says of the last error, where that can be read.

PostgreSQL counts the errors of an apply worker, but keeps what they were only in the server's log. An apply
worker's errors name its origin there (`pg_<oid of the subscription>`), so they are told from those of others,
and from a connection that was lost.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from components.contract import KubernetesLink, LocalInstanceControl
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.replicate.pod_log import read_pod_log
from migration.replicate.subscription import Subscription, SubscriptionState

query = queries(__package__)


TAIL_BYTES = 1 << 21
"""So much of the log's end is looked at; a worker that fails says so again every few seconds."""
STEADY_SECONDS = 30.0
"""A worker that has run for so long does not fail again and again."""
LOOK_SECONDS = 2.5
"""One that was started just now is looked at for so long, where there were errors before."""
_DETAIL_LINES = 64

_ERROR = re.compile(r"(?P<at>^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)?.*?\bERROR:  (?P<said>.*)$")
_RELATION = re.compile(r'replication target relation "(?P<relation>[^"]+)"')

_FINISHED = re.compile(r"finished at (?P<lsn>[0-9A-F]+/[0-9A-F]+)")
_UNREADABLE = re.compile(
    r"invalid input (?:syntax|value)|syntax error|out of range|too long|unrecognized"
    r"|violates check constraint|text search \w+ .* does not exist"
)
"""What was written is not taken where it follows: no other time helps."""
_NEW = re.compile(r'replication target relation "[^"]+" does not exist')


def why_stalled(connection: Connection, name: str, control: Any = None) -> str | None:
    """What keeps the subscription `name` of the connection's server from applying, in words.

    None when its apply worker runs and goes on running, or there is no such subscription. `control` steers
    the instance, where the stack made it: a server of this machine has its log there.
    """
    subscription = Subscription(connection, name)
    state = subscription.state()
    if state is None:
        return None
    if state.enabled and state.worker is not None and not _fails_again(subscription, state):
        return None
    return describe(connection, state, control)


def _fails_again(subscription: Subscription, state: SubscriptionState) -> bool:
    """A worker that fails is started again within moments, so that a single look may find it at work."""
    if not state.errors or (state.worker_seconds or 0.0) > STEADY_SECONDS:
        return False
    deadline = time.monotonic() + LOOK_SECONDS
    while time.monotonic() < deadline:
        time.sleep(0.05)
        now = subscription.state()
        if now is not None and (now.worker != state.worker or now.errors > state.errors):
            return True
    return False


def describe(connection: Connection, state: SubscriptionState | None, control: Any = None) -> str:
    """A subscription that does not apply, though its worker may run at this moment: see `why_stalled`."""
    if state is None:
        return "there is no subscription"
    if not state.enabled:
        return f"{state}: `resume` starts it again"
    log = read_log(connection, control) if state.errors else ""
    said = last_error(log, state.oid)
    where = f"the last one {said}" if said else "its server's log names them"
    errors = f", after {state.errors} errors ({where})" if state.errors else ""
    if said and _NEW.search(said):
        made = "nobody saw that table being made, `verify` makes it there"
        return f"its apply worker does not run{errors}: {made}"
    lsn = stopped_at(log, state.oid)
    if said and lsn and _UNREADABLE.search(said):
        return (
            f"its apply worker does not run{errors}; that is not taken here at any time: mend the row where"
            f" it is served, `{_skip(connection, state.oid, lsn)}` as a superuser here leaves the transaction"
            " out, and `verify --repair` then brings what was in it (docs/runbooks/cutover.md, 'Values that"
            " one side does not take')"
        )
    return (
        f"its apply worker does not run{errors}; it tries again by itself every few seconds, so mend the "
        "cause (docs/runbooks/cutover.md, 'Replication has stopped')"
    )


def _skip(connection: Connection, subscription: int, lsn: str) -> str:
    row = connection.execute(
        "SELECT pg_catalog.format('ALTER SUBSCRIPTION %%I SKIP (lsn = %%L)', subname, %s::text)"
        " FROM pg_catalog.pg_subscription WHERE oid = %s",
        (lsn, subscription),
    ).fetchone()
    return "" if row is None else str(row[0])


def stopped_at(log: str, subscription: int) -> str | None:
    """Where the transaction ends that was not applied last, as a log tells; None where it does not."""
    for line in reversed(log.splitlines()):
        if f'replication origin "pg_{subscription}"' in line:
            found = _FINISHED.search(line)
            return found["lsn"] if found else None
    return None


def last_error(log: str, subscription: int) -> str | None:
    """The newest error of applying that a log tells of: `at <time>: <message>, on <table>`; None without one.

    Its detail is left out: it quotes rows.
    """
    lines = log.splitlines()
    for number in range(len(lines) - 1, -1, -1):
        if f'replication origin "pg_{subscription}"' not in lines[number]:
            continue
        for line in reversed(lines[max(0, number - _DETAIL_LINES) : number]):
            if found := _ERROR.match(line):
                at = f"at {found['at']}" if found["at"] else "says"
                relation = _RELATION.search(lines[number])
                on = f", on {relation['relation']}" if relation else ""
                return f"{at}: {found['said']}{on}"
    return None


def read_log(connection: Connection, control: Any = None, most: int = TAIL_BYTES) -> str:
    """The end of a server's log, `most` bytes of it; empty where it cannot be read from here."""
    tail = b""
    if isinstance(control, LocalInstanceControl) and control.platform == "kubernetes":
        # The server writes into a pipe, which the operator's program reads.
        return read_pod_log(control.link) if isinstance(control.link, KubernetesLink) else ""
    if isinstance(control, LocalInstanceControl):
        tail = _newest(Path(control.data).parent / "log")[-most:]
    if not tail:
        row = connection.execute(query("server_log"), {"bytes": most}).fetchone()
        tail = bytes(row[0]) if row and row[0] else b""
    return tail.decode(errors="replace")


def _newest(folder: Path) -> bytes:
    try:
        logs = sorted(folder.glob("*.log"), key=lambda log: log.stat().st_mtime)
        tail = b""
        for log in reversed(logs[-2:]):  # the newest may have been begun just now
            with log.open("rb") as file:
                file.seek(max(0, log.stat().st_size - TAIL_BYTES + len(tail)))
                tail = file.read() + tail
            if len(tail) >= TAIL_BYTES:
                break
        return tail
    except OSError:
        return b""
