"""The whole of `script/demo`: a shared database at work, a stack, a migration, and what came of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from components.contract import Contract, MonitoringControl
from demo.alarms import alarms_line, alarms_so_far
from demo.connecting import conninfo
from demo.environment import children, cluster, engine, pulumi_stack
from demo.environment.home import Home, Options
from demo.environment.passwords import passwords
from demo.environment.shared_server import SharedServer, fill, shared_server, start_server
from demo.environment.teardown import tear_down
from demo.errors import DemoError
from demo.migrating import latest_report, migrate, move_offline, move_online, moved
from demo.safeguarding import keeps_backups, make_point, prove_and_recover
from demo.stages import Stages
from demo.workload.invariants import check_invariants
from demo.workload.run import JOURNAL, STATEMENTS
from servers import ports

WORKLOAD_SECONDS = 3600
"""The most that a demo's workload goes on, whatever becomes of the demo."""
SETTLE_SECONDS = 5.0
"""The workload alone, before the migration and after it."""


def demonstrate(
    home: Home, options: Options, stages: Stages, *, keep: bool, offline: bool, backups: bool, as_json: bool
) -> dict[str, Any]:
    """Run the demo; returns its summary as a JSON-able dict. Leaves the databases up.

    With `keep` it goes on with what an earlier demo left; else it removes that first. With `offline`
    each service's clients wait while it is moved; else they go on. With `backups` a restore point is made, a
    backup is proven, and an instance's disk is lost and brought back, where the stack keeps backups.
    Raises DemoError, ServerError, psycopg.Error.
    """
    kept = keep and home.read_options() is not None
    if not kept:
        _remove_earlier(home, stages)
        _check_ports(options)
    else:
        options = home.read_options() or options
        children.stop_all(home)
    home.create()
    home.write_options(options)
    containers = options.platform == "docker"
    if containers:
        with stages.stage("Docker Engine") as stage:
            stage.result = engine.bring_up(home, stage.now, kept=kept)
    if options.platform == "kubernetes":
        with stages.stage("Kubernetes cluster") as stage:
            stage.result = cluster.bring_up(home, options, stage.now, kept=kept)
    secrets = passwords(home)
    facts: dict[str, Any] = {"options": options.__dict__, "state": str(home.root)}

    shared = shared_server(home, options, secrets)
    _serve(home, shared, options, stages, facts)
    contract = _deploy(home, options, secrets, stages)

    with _workload(home, options) as workload:
        with stages.stage("workload") as stage:
            _wait_for_work(home, workload)
            time.sleep(SETTLE_SECONDS)
            stage.result = f"{options.rate:g} business transactions a second through the gateways"
        if offline:
            facts["parts"] = move_offline(home, stages, as_json=as_json)
        else:
            facts["parts"] = move_online(home, stages, kept=kept, as_json=as_json)
        if safeguarded := backups and not offline and keeps_backups(contract):
            facts["backups"] = {"point": make_point(home, stages, as_json=as_json)}
        time.sleep(SETTLE_SECONDS)
    if contract.monitoring is not None:
        facts["alarms"] = _alarms(contract.monitoring, stages)
    facts["workload"] = json.loads((home.workload / "summary.json").read_text(encoding="utf-8"))
    facts["moved"] = moved(home)
    if safeguarded:
        point = facts["backups"]["point"]["name"]
        facts["backups"] |= prove_and_recover(home, contract, point, stages, as_json=as_json)
    with stages.stage("invariants") as stage:
        facts["own_database"] = _own_databases(contract)
        violations = check_invariants(contract, home.workload / JOURNAL, stage.now)
        facts["violations"] = [str(violation) for violation in violations]
        stage.result = "all hold on the new databases" if not violations else f"{len(violations)} broken"
    with stages.stage("report", quiet=True):
        migrate(home, "report", "--out", str(home.reports), as_json=as_json)
    report = latest_report(home)
    facts["report"] = str(report[0]) if report else None
    return _concluded(home, stages, facts)


def _concluded(home: Home, stages: Stages, facts: dict[str, Any]) -> dict[str, Any]:
    """The facts with how long all of it took, kept as a file."""
    facts["seconds"] = dict(stages.seconds)
    facts["seconds_total"] = round(stages.total(), 1)
    facts["summary"] = str(home.reports / "demo.json")
    Path(facts["summary"]).write_text(json.dumps(facts, indent=2, default=str), encoding="utf-8")
    return facts


def _alarms(control: MonitoringControl, stages: Stages) -> dict[str, Any]:
    with stages.stage("alarms") as stage:
        found = alarms_so_far(control)
        stage.result = alarms_line(found)
    return found


def _serve(home: Home, shared: SharedServer, options: Options, stages: Stages, facts: dict[str, Any]) -> None:
    """Start the shared server, and make the database on it."""
    with stages.stage("shared server") as stage:
        start_server(home, shared)
        stage.result = f"PostgreSQL {options.source_version} at 127.0.0.1:{options.source_port}"
    with stages.stage("shared database") as stage:
        stage.result = facts["database"] = _fill_once(home, shared, options, stage.now)


def _deploy(home: Home, options: Options, secrets: dict[str, str], stages: Stages) -> Contract:
    with stages.stage("pulumi up") as stage:
        pulumi_stack.prepare(home, options, cluster.known(home))
        resources = pulumi_stack.up(home, secrets, lambda number: stage.now(f"{number} resources"))
        contract = pulumi_stack.contract(home)
        stage.result = f"{len(contract.services)} services, {resources} resources changed"
    return contract


def _remove_earlier(home: Home, stages: Stages) -> None:
    if home.root.exists():
        with stages.stage("earlier demo removed") as stage:
            removed = tear_down(home, stage.now)
            stage.result = str(removed or "")


def _check_ports(options: Options) -> None:
    taken = {
        port: purpose for port, purpose in pulumi_stack.wanted_ports(options).items() if ports.is_taken(port)
    }
    if taken:
        first, purpose = next(iter(taken.items()))
        more = f" (and {len(taken) - 1} more)" if len(taken) > 1 else ""
        raise DemoError(
            f"port {first}, wanted for {purpose}, is in use by {ports.holder(first)}{more}; "
            "stop what uses it, or run script/demo --port-offset 1000"
        )


def _fill_once(home: Home, shared: SharedServer, options: Options, now: Any) -> str:
    """Make the shared database unless an earlier run finished making it."""
    mark = home.source / "filled.json"
    if mark.exists():
        return str(json.loads(mark.read_text(encoding="utf-8"))["text"])
    built = fill(shared, options.scale, lambda what, seconds: now(f"{what} made in {seconds:.1f} s"))
    text = f"{built.bytes / 1e6:.0f} MB, {built.users} customers, {built.payments} payments"
    mark.write_text(json.dumps({"text": text}), encoding="utf-8")
    return text


@contextmanager
def _workload(home: Home, options: Options) -> Iterator[subprocess.Popen[bytes]]:
    """A workload in the background, stopped at the end; its summary is in its folder then."""
    log = home.logs / "workload.log"
    (home.workload / STATEMENTS).unlink(missing_ok=True)
    with log.open("wb") as file:
        child = children.start(
            home, "workload",
            [sys.executable, "-m", "demo", "workload", "--contract", str(home.contract),
             "--folder", str(home.workload), "--rate", str(options.rate),
             "--seconds", str(WORKLOAD_SECONDS)],
            variables=home.environment(), output=file, errors=file,
        )  # fmt: skip
    try:
        yield child
        if child.poll() is not None:
            raise DemoError(f"the workload ended before it was stopped; see {log}")
    finally:
        status = children.stop(child, 60)
    if status:
        raise DemoError(f"the workload ended with status {status}; see {log}")


def _wait_for_work(home: Home, workload: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    journal = home.workload / JOURNAL
    while not journal.exists() or b'"done"' not in journal.read_bytes():
        if workload.poll() is not None or time.monotonic() > deadline:
            log = home.logs / "workload.log"
            lines = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
            raise DemoError(f"the workload did not begin: {lines[-1]}; see {log}")
        time.sleep(0.1)


def _own_databases(contract: Contract) -> dict[str, str]:
    """Which database and port answers at each service's endpoint. Raises DemoError if it is not its own."""
    found = {}
    for name, service in contract.services.items():
        with psycopg.connect(
            conninfo(service.endpoint, service.login), autocommit=True, prepare_threshold=None
        ) as connection:
            row = connection.execute("SELECT current_database(), inet_server_port()").fetchone()
        answer = f"{row[0]}:{row[1]}" if row else "nothing"
        if answer != f"{service.instance.database}:{service.instance.port}":
            raise DemoError(f"the {name} service's endpoint leads to {answer}, not to its own database")
        found[name] = answer
    return found
