"""`python -m operations.backup.supervise FOLDER`: keeps one archive filled for as long as it runs.

It starts the receiver again at once when it ends, runs one scheduled task at a time (and only one over all
archives beside each other), and says in `state/supervisor.json` how all that is. It sleeps until a child
ends, somebody pokes it, or a second is over. Standard library alone: it runs once a service, all the time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from operations.backup import catalogue, locks, scheduled_points, slot
from operations.backup.archive import Archive
from operations.backup.due import Task, due
from operations.backup.receiver import Receiver
from operations.backup.state import BEAT_SECONDS, TaskState, lock_file, read_state, write_state
from operations.backup.synchronous import Synchronous
from operations.backup.turn import Turn
from operations.backup.wake import Wake
from servers import osuser, paths

LOOK_SECONDS = 1.0
TASK_LOOK_SECONDS = 5.0
STOP_FILE = "stopped"
"""In `state/`: while it is there nothing is received or taken."""


class Supervisor:
    """One archive's."""

    def __init__(self, archive: Archive, wake: Wake) -> None:
        self._archive, self._wake = archive, wake
        before = read_state(archive)
        before.pid, before.started, before.running = os.getpid(), time.time(), None
        before.receiver.pid = None
        self._state = before
        self._receiver = Receiver(archive, before.receiver)
        self._synchronous = Synchronous(archive, before.synchronous, self._log)
        self._task: subprocess.Popen[bytes] | None = None
        self._turn = Turn(archive.turn_lock)
        self._ending = False
        self._next_look = 0.0
        self._clocks = time.time() - time.monotonic()

    def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        self._log(f"supervisor {os.getpid()} of {self._archive.service}")
        while not self._ending:
            changed = self._guarded_look()
            if changed or time.time() - self._state.beat > BEAT_SECONDS or self._state.beat > time.time():
                self._keep()
            if not self._ending:
                self._wake.wait(min(LOOK_SECONDS, self._receiver.seconds_until_next_try))
        self._synchronous.release("its supervisor ended")
        self._synchronous.close()
        self._receiver.stop()
        self._end_task()
        self._keep()

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._ending = True

    def _guarded_look(self) -> bool:
        """Whatever is wrong on the disk, the receiver is looked after again a moment later."""
        try:
            return self._look()
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self._log(f"{type(error).__name__}: {error}")
            time.sleep(1.0)
            return False

    def _look(self) -> bool:
        state, archive = self._state, self._archive
        jump = time.time() - time.monotonic() - self._clocks
        if abs(jump) > 1.0:
            state.clock_jump += jump
            self._clocks += jump
            self._log(f"the clock was set by {jump:+.1f} s")
        state.stopped = (archive.state / STOP_FILE).exists()
        changed = False
        if not state.slot_made and not state.stopped:
            state.slot_made = slot.ensure(archive)
            changed = state.slot_made
        if state.stopped:
            changed |= self._synchronous.release("a restore exchanges the data")
        elif state.slot_made:
            changed |= self._synchronous.look(state.receiver.said or "nothing receives")
        changed |= self._receiver.look(wanted=state.slot_made and not state.stopped)
        changed |= self._reap_task()
        if self._task is None and time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + TASK_LOOK_SECONDS
            changed |= self._begin_task()
        return changed

    def _begin_task(self) -> bool:
        state, archive = self._state, self._archive
        if state.stopped or not state.slot_made:
            return False
        waiting = [file.stat().st_mtime for file in archive.streaming.iterdir() if len(file.name) == 24]
        task = due(archive.policy, catalogue.backups(archive), state.tasks, now=time.time(), waiting=waiting)
        if task is None and scheduled_points.due(archive.folder.parent, time.time()):
            task = "points"
        if task is None or (
            task in ("full", "incremental") and locks.holder(archive.backup_lock) is not None
        ):
            # What somebody takes by hand may be the one that is due: a refusal would count as a failure.
            return False
        mine, turn = self._turn.take(task)
        if not mine:
            self._next_look = time.monotonic() + LOOK_SECONDS
            return False
        try:
            self._start_task(task, () if turn is None else (turn,))
        finally:
            if turn is not None:
                locks.release(turn)
        return True

    def _start_task(self, task: Task, inherited: Sequence[int]) -> None:
        with (self._archive.log / "tasks.log").open("ab") as log:
            self._task = subprocess.Popen(
                ["nice", "-n", "10", sys.executable, "-m", "operations.backup.task",
                 str(self._archive.folder), task],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                cwd=Path(__file__).parents[2], pass_fds=inherited,
            )  # fmt: skip
        self._state.running = task
        self._state.tasks.setdefault(task, TaskState()).begun = time.time()

    def _reap_task(self) -> bool:
        if self._task is None or self._task.poll() is None:
            return False
        state = self._state.tasks[self._state.running or ""]
        state.ended = time.time()
        if self._task.returncode == 0:
            state.done, state.failures, state.said = state.ended, 0, ""
        else:
            state.failures += 1
            state.said = self._last_words()
        self._task, self._state.running, self._next_look = None, None, 0.0
        return True

    def _end_task(self) -> None:
        if self._task is not None:
            os.killpg(self._task.pid, signal.SIGTERM)
            self._task.wait()
            self._task = None
            self._state.running = None

    def _last_words(self) -> str:
        lines = (self._archive.log / "tasks.log").read_bytes()[-4096:].decode(errors="replace").splitlines()
        return lines[-1] if lines else ""

    def _keep(self) -> None:
        try:
            write_state(self._archive, self._state)
        except OSError as error:
            # A full disk must not end who keeps the receiver alive.
            self._state.beat = time.time()
            self._log(f"state/supervisor.json: {error.strerror}")

    def _log(self, text: str) -> None:
        sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
        sys.stderr.flush()


def main(folder: Path) -> int:
    """Run until told to end; 3 where one runs already."""
    archive = Archive.load(folder)
    wake = Wake()  # Before the lock says who may be poked: unhandled, a poke would end us.
    lock = locks.take(lock_file(archive))
    if lock is None:
        return 3
    locks.name_holder(lock, os.getpid())
    for part in (archive.home, archive.server, archive.streaming, archive.ended):
        paths.make_private(part)
    osuser.hand_over(archive.receiver_lock) if archive.receiver_lock.exists() else None
    Supervisor(archive, wake).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
