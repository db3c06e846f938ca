"""The demo's backups: a restore point under load, a proof, an instance's disk lost and brought back."""

from __future__ import annotations

import json
import shutil
import time
from typing import Any

from components.contract import Contract
from core.own_server import own_server
from demo.environment.home import Home
from demo.errors import DemoError
from demo.migrating import REHEARSED, run_program
from demo.stages import Stages

LOST = "user"
"""The service whose disk is lost: the one that most others refer to."""
WAITS_FOR_A_RESTORE = 29
"""What `rollback --quick` ends with when clients wait for the restore (core.errors.WrongState)."""
FIRST_BACKUP_SECONDS = 180.0


def keeps_backups(contract: Contract) -> bool:
    """Whether the stack keeps backups at all, which the demo turns off on Docker."""
    return contract.services[LOST].backups is not None


def make_point(home: Home, stages: Stages, *, as_json: bool) -> dict[str, Any]:
    """One instant of all databases, while the workload goes on. Raises DemoError."""
    name = f"demo-{time.strftime('%Y%m%dt%H%M%S', time.gmtime())}"
    with stages.stage("restore point") as stage:
        said = _operations(home, "restore-point", "create", name, as_json=as_json)
        rows = sum(t["rows"] for one in said["digests"].values() for t in one["tables"].values())
        stage.result = (
            f"all clients waited {said['pause_ms']:.0f} ms; digests of {rows:,} rows at that instant"
        )
    return {"name": name, "pause_ms": said["pause_ms"], "rows": rows}


def prove_and_recover(
    home: Home, contract: Contract, point: str, stages: Stages, *, as_json: bool
) -> dict[str, Any]:
    """Prove a backup, lose a disk, bring it back; facts for the summary. Raises DemoError."""
    with stages.stage("first backups") as stage:
        stage.result = f"{_wait_for_first(contract)} archives hold one"
    with stages.stage("proof") as stage:
        said = _operations(home, "proof", REHEARSED, "--to-point", point, as_json=as_json)
        proof = said["services"][REHEARSED]
        seconds = round(sum(proof["seconds"].values()), 1)
        stage.result = (
            f"{REHEARSED} restored to {point} beside what it has: {proof['rows']:,} rows are those of then"
        )
    with stages.stage("disk lost, and back") as stage:
        began = time.monotonic()
        _lose(contract)
        stage.now("its server was killed, its data folder is gone")
        quick = ("rollback", LOST, "--quick", "--to", "own", "--yes")
        run_program(home, "migration", *quick, as_json=True, allowed=(WAITS_FOR_A_RESTORE,), quiet=True)
        stage.now("restored from its archive")
        _operations(home, "restore", LOST, as_json=as_json)
        _operations(home, "restore", LOST, "--swap", "--rejoin", "--yes", as_json=as_json)
        stage.now("compared with the shared database")
        log = run_program(home, "migration", *quick, "--beyond", "apply", as_json=True, quiet=True)
        steps = json.loads(log.read_text(encoding="utf-8"))["services"][LOST]["steps"]
        differing = int(steps["compare all rows of both"]["differing"])
        took = round(time.monotonic() - began, 1)
        stage.result = f"{LOST} served again after {took:.1f} s; {differing} rows were not in its archive"
    return {
        "proof": {"service": REHEARSED, "rows": proof["rows"], "seconds": seconds},
        "lost": {"service": LOST, "seconds": took, "rows_differing": differing},
    }


def _wait_for_first(contract: Contract) -> int:
    """The supervisors take them one after the other. Raises DemoError."""
    from operations.backup import catalogue
    from operations.backup.archive import Archive

    archives = [Archive.of(one.backups) for one in contract.services.values() if one.backups is not None]
    deadline = time.monotonic() + FIRST_BACKUP_SECONDS
    while left := [one.service for one in archives if not catalogue.whole(catalogue.backups(one))]:
        if time.monotonic() > deadline:
            raise DemoError(
                f"no first backup of {', '.join(left)}: python -m operations backups check says why"
            )
        time.sleep(0.5)
    return len(archives)


def _lose(contract: Contract) -> None:
    """Kill its server, and take its data away."""
    service = contract.services[LOST]
    own_server(service).kill()
    shutil.rmtree(service.instance_control.data)


def _operations(home: Home, *arguments: str, as_json: bool) -> dict[str, Any]:
    """What one command of `python -m operations` says with --json."""
    log = run_program(home, "operations", *arguments, as_json=True, quiet=not as_json)
    document: dict[str, Any] = json.loads(log.read_text(encoding="utf-8"))
    return document
