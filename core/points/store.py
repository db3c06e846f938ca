"""Where restore points are kept: a file each, in the state folder. A name is spent once it was begun.

PostgreSQL stops at the first record of a name, so a name that is used twice restores the wrong instant.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from pydantic import ValidationError

from components.contract import Contract
from core.errors import PointRefused
from core.points.model import Point
from servers.paths import make_passable, state_dir

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
"""PostgreSQL keeps 63 bytes of a point's name; a file system may not tell capitals apart."""


class PointStore:
    """The restore points of one stack."""

    def __init__(self, contract: Contract, state: Path | None = None) -> None:
        """`state`: the state folder; default: this machine's."""
        self.folder = (state or state_dir()) / "restore-points" / f"{contract.project}-{contract.stack}"

    def reserve(self, point: Point) -> None:
        """Keep a point that is about to be made; nobody else can take its name any more.

        Raises PointRefused for a name that is taken or none.
        """
        if not NAME.fullmatch(point.name):
            raise PointRefused(
                f"{point.name!r} is no name for a restore point: take up to 63 of a-z, 0-9, '.', '_' and '-'"
            )
        make_passable(self.folder)
        try:
            file = os.open(self._path(point.name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise PointRefused(
                f"there is a restore point {point.name!r} already, and a name is for one instant only: "
                "take another (`restore-point list` shows those that are taken)"
            ) from None
        except OSError as error:
            raise PointRefused(f"{self.folder} cannot be written to: {error.strerror}") from None
        with os.fdopen(file, "w", encoding="utf-8") as opened:
            opened.write(point.model_dump_json(indent=1))
            opened.flush()
            os.fsync(opened.fileno())
        self._sync_folder()

    def keep(self, point: Point) -> None:
        """Replace what is kept of a point, whole or not at all."""
        path = self._path(point.name)
        new = path.with_suffix(".new")
        with os.fdopen(
            os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(point.model_dump_json(indent=1))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        self._sync_folder()

    def release(self, name: str) -> None:
        """Give a name back that no database has seen."""
        self._path(name).unlink(missing_ok=True)
        self._sync_folder()

    def read(self, name: str) -> Point:
        """Raises PointRefused where there is none of that name, or its file cannot be read."""
        path = self._path(name)
        if not NAME.fullmatch(name) or not path.is_file():
            known = ", ".join(point.name for point in self.list()[-5:]) or "there is none yet"
            raise PointRefused(f"there is no restore point {name!r}; the newest are: {known}")
        try:
            return Point.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            first = error.errors(include_input=False)[0]["msg"] if isinstance(error, ValidationError) else ""
            raise PointRefused(f"{path} is no restore point of this program {first}") from None

    def list(self) -> list[Point]:
        """All of them, the oldest first. Raises PointRefused for a file that cannot be read."""
        names = sorted(path.stem for path in self.folder.glob("*.json"))
        return sorted((self.read(name) for name in names), key=lambda point: point.begun)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _sync_folder(self) -> None:
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
