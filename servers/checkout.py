"""Which commit a checkout is at."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit(folder: Path) -> str | None:
    """The commit that is checked out, `-dirty` behind it where tracked files differ; None: no checkout."""
    git = ["git", "-C", str(folder)]
    try:
        head, changed = (
            subprocess.run(
                [*git, *words], capture_output=True, text=True, check=True, timeout=30
            ).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{head}-dirty" if changed else head
