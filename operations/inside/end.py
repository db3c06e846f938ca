"""`python -m operations.inside.end FOLDER`: the archive's receiver ends for good, and its slot is dropped."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from operations.backup import locks, slot
from operations.backup.archive import Archive
from operations.backup.renew import RECEIVER_SECONDS
from operations.backup.supervise import STOP_FILE


def end(archive: Archive) -> bool:
    """Whether the slot is gone. The supervisor stays, with nothing to do."""
    stopped = archive.state / STOP_FILE
    stopped.touch()
    try:
        deadline = time.monotonic() + RECEIVER_SECONDS
        while locks.holder(archive.receiver_lock) is not None and time.monotonic() < deadline:
            time.sleep(0.1)
        return slot.drop(archive)
    finally:
        stopped.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(0 if end(Archive.load(Path(sys.argv[1]))) else 1)
