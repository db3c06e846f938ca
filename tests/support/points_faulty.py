"""Makes a restore point and does something at a step of it: `CONTRACT STATE NAME STEP ACT`.

`ACT` is `kill` (SIGKILL to itself), `kill both` (its watchdog first), `stop` (SIGSTOP), `interrupt` (SIGINT).
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil

from core.errors import MigrationError
from core.interruption import Interruption
from core.points.create import Around, Wanted, create_point
from core.points.store import PointStore
from core.sessions.stack import read_contract


def main() -> int:
    contract, state, name, wanted, act = sys.argv[1:6]
    interruption = Interruption()

    def reached(step: str) -> None:
        if step != wanted:
            return
        if act == "kill both":
            for child in psutil.Process().children():
                child.kill()
        if act.startswith("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        if act == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        if act == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)

    agreed = read_contract(file=Path(contract))
    around = Around(interruption.shield, interruption.stop, lambda line: None, reached)
    with interruption.installed():
        try:
            create_point(agreed, Wanted(name), PointStore(agreed, Path(state)), around)
            interruption.check()
        except MigrationError as error:
            print(f"{type(error).__name__}: {error}", flush=True)
            return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
