"""An object store for tests: versitygw, which keeps objects as files, with a key for each service."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers import ports
from servers.certificates import Authority
from servers.paths import cache_dir
from tests.support.absence import absent

_SECONDS = 30.0


@dataclass(frozen=True)
class ObjectStore:
    """One that runs."""

    endpoint: str
    authority: Path
    """The certificate of the CA that signed its own."""
    data: Path
    """A folder a bucket."""
    keys: dict[str, str]
    """ID:SECRET by service; each makes buckets, and sees its own alone."""
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End it; what it has stays."""
        self.process.terminate()
        self.process.wait(timeout=20)


def program() -> Path:
    """versitygw, which script/test-cluster builds. Skips, or fails in CI, where it is not there."""
    found = shutil.which("versitygw") or cache_dir() / "kubernetes" / "bin" / "versitygw"
    if not Path(found).is_file():
        absent("no versitygw: script/test-cluster build")
    return Path(found)


@contextmanager
def object_store(folder: Path, address: str, services: Sequence[str]) -> Iterator[ObjectStore]:
    """One at `address`, over TLS, with its data in `folder`; ended afterwards."""
    started = start(folder, address, services, ports.free_port())
    try:
        yield started
    finally:
        started.stop()


def start(folder: Path, address: str, services: Sequence[str], port: int) -> ObjectStore:
    """Start one on data that may be there already."""
    tls, data, accounts = folder / "tls", folder / "data", folder / "accounts"
    for part in (tls, data, accounts):
        part.mkdir(parents=True, exist_ok=True)
    authority = Authority.create(tls, "the object store of a test")
    authority.issue(tls, names=["store"], addresses=[address])
    keys = {service: f"{service}-id:{service}-secret-of-nothing" for service in services}
    known = {}
    for key in keys.values():
        access, _, secret = key.partition(":")
        known[access] = {"access": access, "secret": secret, "role": "userplus"}
    (accounts / "users.json").write_text(json.dumps({"accessAccounts": known}), encoding="utf-8")
    log = (folder / "log").open("ab")
    process = subprocess.Popen(
        [program(), "--port", f"{address}:{port}", "--cert", tls / "server.crt", "--key", tls / "server.key",
         "--iam-dir", accounts, "--quiet", "posix", data],
        stdout=log,
        stderr=log,
        env={**os.environ, "ROOT_ACCESS_KEY": "root-of-nothing", "ROOT_SECRET_KEY": "secret-of-nothing"},
    )  # fmt: skip
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            socket.create_connection((address, port), timeout=1).close()
            break
        except OSError:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.1)
    return ObjectStore(f"https://{address}:{port}", authority.certificate, data, keys, process)
