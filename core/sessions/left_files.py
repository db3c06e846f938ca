"""What a killed process left in the temporary folder: it is named after that, and the next one removes it."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from servers import postmaster


def own_prefix(kind: str) -> str:
    """How names of this process's files and folders of a kind begin; a random part follows."""
    return f"{kind}{os.getpid()}-"


def remove_left(kind: str) -> None:
    """Remove this user's files and folders of a kind whose process is dead."""
    for path in Path(tempfile.gettempdir()).glob(f"{kind}*"):
        owner = re.fullmatch(rf"{re.escape(kind)}(\d+)-\w+", path.name)
        if owner is None or postmaster.alive(int(owner[1])):
            continue
        # Another user's is that user's to remove; it may also be gone by now.
        with suppress(PermissionError, FileNotFoundError):
            if path.lstat().st_uid != os.getuid():
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
