"""A session with the service's server that stays, by psql: the supervisor has no driver.

Standard library alone.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from contextlib import suppress

from operations.backup.archive import Archive
from servers import osuser

_END = "waqiti-end"


class Psql:
    """Opened when first asked, and again after it was lost."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, statement: str, seconds: float = 3.0) -> list[list[str]] | None:
        """The rows of a statement, as text; None where the server does not answer in time, or refuses."""
        process = self._opened()
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 (pipes)
        deadline = time.monotonic() + seconds
        heard = b""
        try:
            process.stdin.write(f"{statement};\n\\echo {_END}\n".encode())
            process.stdin.flush()
            while not heard.endswith(f"{_END}\n".encode()):
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                    self.close()
                    return None
                piece = os.read(process.stdout.fileno(), 65536)
                if not piece:
                    self.close()
                    return None
                heard += piece
        except OSError:
            self.close()
            return None
        return [line.split("|") for line in heard.decode(errors="replace").splitlines()[:-1]]

    def close(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _opened(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = subprocess.Popen(
                osuser.as_servers_user([
                    self._archive.binaries / "psql",
                    "--dbname", f"{self._archive.conninfo(streaming=False)}"
                                " application_name=waqiti-backup-supervisor",
                    "--no-psqlrc", "--no-password", "--tuples-only", "--no-align", "--quiet",
                    "--set", "ON_ERROR_STOP=1",
                ]),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/",
                env=osuser.clean_environment(), start_new_session=True,
            )  # fmt: skip
        return self._process
