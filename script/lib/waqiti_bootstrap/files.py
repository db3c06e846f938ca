"""Changes on disk that are there whole or not at all."""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def building(final: Path) -> Iterator[Path]:
    """A new folder beside `final`, which takes its place when the block ends well.

    A killed bootstrap leaves at most the folder `.NAME.new`, which the next one removes.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    fresh = final.parent / f".{final.name}.new"
    remove(fresh)
    fresh.mkdir()
    try:
        yield fresh
        readable(fresh)
        remove(final)
        fresh.rename(final)
    finally:
        remove(fresh)


def link(name: Path, target: Path) -> None:
    """Make `name` a relative symbolic link to `target`, replacing what was there."""
    fresh = name.parent / f".{name.name}.link"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(os.path.relpath(target, name.parent))
    if name.is_dir() and not name.is_symlink():
        remove(name)
    fresh.replace(name)


def install(source: Path, folder: Path) -> None:
    """Copy the program `source` into `folder`; a running copy of the same name keeps its old file."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{source.name}.new"
    shutil.copyfile(source, fresh)
    fresh.chmod(0o755)
    fresh.replace(folder / source.name)


def remove(path: Path) -> None:
    """Remove `path`, be it a file, a link, a folder (also one with read-only parts) or nothing."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        for folder, _, _ in os.walk(path):
            os.chmod(folder, stat.S_IRWXU)  # Go's module cache is read-only
        shutil.rmtree(path)


def readable(folder: Path) -> None:
    """Let every user read `folder` and run what is a program in it (chmod a+rX)."""
    for parent, folders, files in os.walk(folder):
        for name in [parent, *(os.path.join(parent, f) for f in folders + files)]:
            if os.path.islink(name):
                continue
            mode = os.stat(name).st_mode
            wanted = mode | 0o444 | (0o111 if stat.S_ISDIR(mode) or mode & 0o100 else 0)
            if wanted != mode:
                os.chmod(name, stat.S_IMODE(wanted))
