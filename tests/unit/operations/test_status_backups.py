"""What `status` says of a service's backups, from what the supervisor itself writes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from components.backup.entry import BackupEntry
from components.contract import BackupControl
from migration.report.backups import backup_problems
from operations.backup.archive import Archive
from operations.backup.state import SupervisorState, SynchronousState, TaskState, write_state

pytestmark = pytest.mark.unit


@pytest.fixture
def control(tmp_path: Path) -> BackupControl:
    (tmp_path / "state").mkdir()
    return BackupControl(
        service="user", folder=str(tmp_path), slot="s", binaries="/bin", policy=BackupEntry().policy
    )


def write(control: BackupControl, **said: object) -> SupervisorState:
    state = SupervisorState(pid=os.getpid(), slot_made=True)
    state.receiver.pid = os.getpid()
    for name, value in said.items():
        setattr(state, name, value)
    write_state(Archive.of(control), state)
    return state


def test_a_service_without_backups_has_none_to_speak_of() -> None:
    assert backup_problems(None) == []


def test_a_supervisor_at_work_is_no_problem(control: BackupControl) -> None:
    write(control)
    assert backup_problems(control) == []


def test_an_archive_that_nobody_fills_is_one(control: BackupControl) -> None:
    assert "nobody has filled" in backup_problems(control)[0]
    write(control)
    assert "pulumi up" in backup_problems(control, time.time() + 3600)[0]


def test_commits_that_no_longer_wait_for_the_archive_are_said_loudly(control: BackupControl) -> None:
    wanted = control.model_copy(update={"policy": control.policy.model_copy(update={"synchronous": True})})
    write(control, synchronous=SynchronousState(in_force=True))
    assert backup_problems(wanted) == []
    write(control, synchronous=SynchronousState(released=1.0, said="no space"))
    assert backup_problems(wanted) == [
        "backups: commits do NOT wait for the archive, as services.yaml wants (no space)"
    ]
    assert backup_problems(control) == []


def test_what_fails_is_said_with_its_reason(control: BackupControl) -> None:
    write(control, tasks={"full": TaskState(failures=2, said="no room")})
    assert backup_problems(control) == ["backups: full failed: no room"]
