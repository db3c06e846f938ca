"""A revision of this repository beside the checkout, for as long as it is looked at."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import PulumiFailed


@contextmanager
def worktree(root: Path, revision: str, folder: Path) -> Iterator[Path]:
    """The files of `revision` in `folder`, which is made, and is gone afterwards. Raises PulumiFailed."""
    commit = resolve(root, revision)
    _git(root, "worktree", "add", "--detach", "--quiet", str(folder), commit)
    try:
        yield folder
    finally:
        _git(root, "worktree", "remove", "--force", str(folder))


def resolve(root: Path, revision: str) -> str:
    """The commit that `revision` names. Raises PulumiFailed."""
    return _git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", named=revision)


def _git(root: Path, *arguments: str, named: str = "") -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False, timeout=60
        )
    except FileNotFoundError:
        raise PulumiFailed("git is not installed; install it, or preview without --base") from None
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no such revision"
        what = f"--base {named}" if named else f"git {arguments[0]}"
        raise PulumiFailed(f"{what}: {said}; in a shallow clone, `git fetch --unshallow` first")
    return done.stdout.strip()
