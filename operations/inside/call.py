"""A verb in an archive's container: what it is told, a file; what it says, a JSON line each.

The file is in the archive, for its user alone, and goes when the verb has ended.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core import errors
from core.errors import ArchiveAway, MigrationError
from operations.backup.archive import Archive, Container
from operations.restore.encrypted import PASSPHRASE
from servers.docker_engine import Engine

MODULE = "operations.inside.main"
PYTHON = "python3"
"""In the image that script/archive-image makes."""
_LAST_WORDS = 20

Told = Callable[[str, str], None]
"""Takes `phase` or `note`, and what it is."""


def call(
    archive: Archive,
    verb: str,
    arguments: Mapping[str, Any] | None = None,
    told: Told | None = None,
    *,
    container: str | None = None,
    variables: Mapping[str, str] | None = None,
) -> Any:
    """Do `verb` in the container that fills `archive` (or in `container`); returns its result as JSON types.

    `variables`: more of its environment.

    Raises what the verb raised, of core.errors; ArchiveAway where the container does not run; ServerError.
    """
    where = _container(archive)
    name = container or where.name
    engine = Engine(where.socket)
    found = engine.container(name)
    if found is None or not found["State"]["Running"] or found["State"]["Restarting"]:
        raise ArchiveAway(
            f"the container {name} does not run: "
            + (f"docker start {name}; docker logs {name} says why" if found else "`pulumi up` makes it")
        )
    heard = Heard(told)
    with _request(archive, where, {"verb": verb, "arguments": dict(arguments or {})}) as request:
        status = engine.execute(
            name,
            [PYTHON, "-m", MODULE, str(archive.folder), request.name],
            heard.line,
            {**_passphrase(), **(variables or {})},
        )
    if heard.error is not None:
        raise heard.error
    if status != 0 or not heard.ended:
        raise ArchiveAway(f"{verb} in {name} ended with {status}: {heard.last or 'it said nothing'}")
    return heard.result


class Heard:
    """What was said so far."""

    def __init__(self, told: Told | None) -> None:
        self._told = told
        self.result: Any = None
        self.ended = False
        self.error: MigrationError | None = None
        self.last = ""

    def line(self, text: str) -> None:
        """A line of either stream; what is no JSON object of ours is kept as last words."""
        try:
            said = json.loads(text)
            kind, value = said["kind"], said["value"]
        except (ValueError, KeyError, TypeError):
            self.last = text.strip() or self.last
            return
        if kind == "result":
            self.result, self.ended = value, True
        elif kind == "error":
            self.error = _error(str(value["class"]), str(value["line"]))
        elif self._told is not None:
            self._told(str(kind), str(value))


def _error(name: str, line: str) -> MigrationError:
    """An error of core.errors by its name; any other is the verb's failure."""
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, MigrationError):
        return kind(line)
    return ArchiveAway(line)


def _container(archive: Archive) -> Container:
    if archive.container is None:
        raise ValueError(f"the archive of {archive.service} is filled by a process of this machine")
    return archive.container


@contextmanager
def _request(archive: Archive, where: Container, content: Mapping[str, Any]) -> Iterator[Path]:
    file = archive.state / f"request-{os.getpid()}-{secrets.token_hex(4)}.json"
    user, group = (int(number) for number in where.user.split(":"))
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            json.dump(content, opened)
        os.chown(file, user, group)
        yield file
    finally:
        file.unlink(missing_ok=True)


def _passphrase() -> dict[str, str]:
    given = os.environ.get(PASSPHRASE)
    return {} if given is None else {PASSPHRASE: given}
