"""A program for the tests of what runs programs: `python -m tests.support.plain_program say|die|last`."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path


def main(act: str) -> int:
    """Say who and where it is, die of a signal, or last until somebody ends it."""
    if act == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    said = {
        "folder": str(Path.cwd()),
        "draw": random.random(),
        "word": os.environ.get("WORD"),
        "pid": os.getpid(),
    }
    print(json.dumps(said), flush=True)
    if act == "last":
        time.sleep(600)
    return 40 + subprocess.run(["false"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
