"""An instance's container is restarted or replaced: its clients wait behind the gateway meanwhile.

The gateway is told by signals (https://www.pgbouncer.org/usage.html#signals), which need no password: SIGUSR1
pauses, SIGUSR2 resumes. That it is paused shows at the instance: no session of the gateway is left there.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from components.service.administration import Connection
from servers.docker_engine import Engine
from servers.errors import ServerError
from servers.pgbouncer_routes import read_routes

PAUSE_SECONDS = 30.0
READY_SECONDS = 120.0
STOP_SECONDS = 60
STARTING = "waqiti: starting"
"""start.sh's first line."""
_POLL_SECONDS = 0.1


def hold(props: Mapping[str, Any]) -> None:
    """Make the clients of the service wait, if its gateway leads to this instance.

    Raises ServerError, the clients going on, when a transaction is open for PAUSE_SECONDS.
    """
    engine, gateway = Engine(props["socket"]), props["gateway"]
    route = read_routes(Path(props["routes"]))
    if route is None or route.leads_to != "target" or not engine.runs(gateway):
        return
    try:
        engine.signal(gateway, "SIGUSR1")
        _wait_for_sessions_gone(props)
    except BaseException:
        engine.signal(gateway, "SIGUSR2")
        raise


def _wait_for_sessions_gone(props: Mapping[str, Any]) -> None:
    deadline = time.monotonic() + PAUSE_SECONDS
    while (sessions := _sessions(props)) > 0:
        if time.monotonic() > deadline:
            raise ServerError(
                f"could not be updated: {sessions} transactions stayed open for {PAUSE_SECONDS:g} s",
                where=str(props["folder"]),
                to_do="nothing was changed: run it again when they have ended",
            )
        time.sleep(_POLL_SECONDS)


def release(props: Mapping[str, Any]) -> None:
    """Let the clients go on; does nothing when they do not wait."""
    engine = Engine(props["socket"])
    if engine.runs(props["gateway"]):
        engine.signal(props["gateway"], "SIGUSR2")


def connect(props: Mapping[str, Any], password: str | None = None) -> Connection:
    """A session as the instance's administrator, from the host. Raises psycopg.OperationalError."""
    return psycopg.connect(
        host=props["name"],
        hostaddr=props["address"],
        port=int(props["port"]),
        dbname="postgres",
        user=props["administrator"],
        password=password or props["administrator_password"],
        sslmode="verify-full",
        sslrootcert=props["authority"],
        connect_timeout=3,
        autocommit=True,
        application_name="waqiti-stack",
    )


def wait_until_ready(props: Mapping[str, Any], password: str | None = None) -> None:
    """Until the instance takes the administrator's login.

    Raises ServerError with the container's own word when it refused to start, or with the last failure.
    """
    engine, container = Engine(props["socket"]), props["container"]
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            connect(props, password).close()
        except psycopg.OperationalError as error:
            said = str(error).strip().splitlines()[-1]
        else:
            return
        refused = _refusal(engine, container)
        if refused is None and "authentication failed" in said:
            refused = (
                "the volume holds a cluster with another administrator's password; restore the stack's state"
            )
        if refused is not None or time.monotonic() > deadline:
            raise ServerError(
                refused or f"does not answer ({said})",
                where=f"container {container}",
                to_do=f"see `docker logs {container}`, then run it again",
            )
        time.sleep(_POLL_SECONDS)


def _refusal(engine: Engine, container: str) -> str | None:
    """Why the container's program gave up, in its own words; None while it runs."""
    found = engine.container(container)
    if found is None:
        return "is gone"
    state = found["State"]
    if state["Running"] and not state["Restarting"]:
        return None
    lines = of_the_last_start(engine.said(container))
    telling = [
        line
        for line in lines
        if "waqiti: refused:" in line
        or "waqiti: disk full:" in line
        or "FATAL" in line
        or "initdb: error" in line
    ]
    if state.get("OOMKilled"):
        return "ran out of the memory that its limit gives it"
    if not telling and not state["Restarting"] and state.get("ExitCode") == 0:
        return None
    full = [line for line in telling if "waqiti: disk full:" in line]
    said = (full or telling or lines or ["it said nothing"])[-1]
    return said.removeprefix("waqiti: refused: ").removeprefix("waqiti: ")


def of_the_last_start(lines: list[str]) -> list[str]:
    """A log since the last start: what stopped an earlier one may be mended by now."""
    starts = [number for number, line in enumerate(lines) if line == STARTING]
    return lines[starts[-1] + 1 :] if starts else lines


def _sessions(props: Mapping[str, Any]) -> int:
    """Server connections that the gateway has at the instance; 0 when the instance does not run."""
    with suppress(psycopg.OperationalError), connect(props) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE client_addr = %s::inet",
            [props["gateway_address"]],
        ).fetchone()
        return int(row[0]) if row else 0
    return 0
