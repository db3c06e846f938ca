"""Where it happens: a folder beside the instance's data, and how what a killed run left there is taken back.

Everything is made in `physical/`, beside the data folder. The instance's own folder is exchanged for one that
is whole, by two renames; whoever dies before, between or after them leaves one that is whole.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from components.contract import Service
from core.errors import DiskFull, FilesFailed
from core.own_server import own_server
from servers import paths
from servers.errors import ServerError
from servers.postgres import PostgresServer


@dataclass(frozen=True)
class Places:
    """The folders of one service's instance."""

    binaries: Path
    server: PostgresServer
    """The instance itself."""

    @property
    def data(self) -> Path:
        """The instance's data folder."""
        return self.server.data

    @property
    def folder(self) -> Path:
        """What is there only while files are being brought."""
        return self.data.parent / "physical"

    @property
    def clone(self) -> Path:
        """Data folder of what comes from the shared server."""
        return self.folder / "clone"

    @property
    def own(self) -> Path:
        """Data folder of the instance to come."""
        return self.folder / "own"

    @property
    def before(self) -> Path:
        """The data folder that the instance had, once they are exchanged."""
        return self.folder / "before"

    @property
    def sockets(self) -> Path:
        """Folder of the sockets of both; nobody but the servers' user and we may enter it."""
        return paths.socket_dir(self.folder)


def places_of(service: Service) -> Places | None:
    """Of a service whose instance is a process of this machine; None of any other."""
    control = service.instance_control
    if control.platform != "local" or not control.data or not control.binaries:
        return None
    return Places(Path(control.binaries), own_server(service))


@contextmanager
def in_one_line() -> Iterator[None]:
    """What servers and file systems refuse inside is FilesFailed, or DiskFull."""
    try:
        yield
    except ServerError as error:
        raise FilesFailed(str(error)) from None
    except OSError as error:
        kind = DiskFull if error.errno in {errno.ENOSPC, errno.EDQUOT} else FilesFailed
        raise kind(
            f"{error.filename or 'a file'}: {error.strerror}; see to it, then start it again"
        ) from None


def mend(service: Service) -> bool:
    """Let the instance be as it was before files were brought, or as it was once they had come; whole in
    either case, and running. Returns whether there was anything to do. Only under the operator's lock.

    Raises FilesFailed when its server does not start.
    """
    places = places_of(service)
    if places is None or not places.folder.exists():
        return False
    for data in (places.clone, places.own):
        if data.exists():
            with suppress(ServerError):
                PostgresServer(places.binaries, data, 1, places.sockets, places.folder / "log").stop(
                    "immediate"
                )
    if not places.data.exists() and places.before.exists():
        places.before.rename(places.data)
    try:
        places.server.start()
    except ServerError as error:
        raise FilesFailed(f"{service.name}'s own instance does not start: {error}") from None
    clear(places)
    return True


def clear(places: Places) -> None:
    """Remove all that came from the shared server and is not the service's, and what was kept beside."""
    for _ in range(3):
        shutil.rmtree(places.folder, ignore_errors=True)
        if not places.folder.exists():
            break
    if places.folder.exists():
        raise FilesFailed(
            f"{places.folder} could not be removed, and what is in it is other services' too: remove it"
        )
    if places.sockets.parent != places.folder:
        shutil.rmtree(places.sockets, ignore_errors=True)
