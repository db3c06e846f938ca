"""The local platform's network: loopback, and the identity that separates what shares it.

Processes of one machine have no network of their own. What separates services here is that servers
listen on loopback only, prove who they are by a certificate of the stack's CA, and admit by pg_hba only
their own service's roles. The other platforms give a service a real network; this one is for
development.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.platforms.provider import LocalProvider

_THREADS = threading.Lock()


class NetworkProvider(LocalProvider):
    """Makes a service's folder and its certificate, and the stack's CA with the first of them."""

    inputs = ("stack_folder", "folder", "host", "address", "more_addresses", "common_name")
    replaced_by = ("folder",)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(Path(props["folder"]).name, self._issue(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        return ReadResult(id_, {**self.kept(props), "fingerprint": _fingerprint(props)})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._issue(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Removes the certificate, and what is empty afterwards; an instance's kept data stays."""
        stack_folder, folder = Path(_props["stack_folder"]), Path(_props["folder"])
        with _alone(stack_folder):
            shutil.rmtree(folder / "tls", ignore_errors=True)
            shutil.rmtree(folder / "sockets", ignore_errors=True)
            for emptied in (folder / "gateway", folder):
                _remove_empty(emptied)
            if not any(stack_folder.glob("*/tls")):
                shutil.rmtree(stack_folder / "ca", ignore_errors=True)
            _remove_empty(stack_folder)

    def needs_attention(self, props: Mapping[str, Any]) -> bool:
        """The certificate is gone, another, or expires soon."""
        from servers.certificates import RENEW_DAYS, days_left

        certificate = Path(props["folder"]) / "tls" / "server.crt"
        return _fingerprint(props) != props.get("fingerprint") or days_left(certificate) < RENEW_DAYS

    def _issue(self, props: dict[str, Any]) -> dict[str, Any]:
        from servers import paths
        from servers.certificates import Authority

        stack_folder, folder = Path(props["stack_folder"]), Path(props["folder"])
        with _alone(stack_folder):
            try:
                authority = Authority.load(stack_folder / "ca")
            except FileNotFoundError:
                authority = Authority.create(stack_folder / "ca", props["common_name"])
            paths.make_private(folder)
            authority.issue(
                paths.make_private(folder / "tls"),
                names=[props["host"], "localhost"],
                addresses=[props["address"], *(props.get("more_addresses") or ()), "::1"],
            )
        return {**self.kept(props), "fingerprint": _fingerprint(props)}


class LocalNetwork(Resource, module="local", name="Network"):
    """A service's loopback address and certificate; `fingerprint` changes when it was issued anew."""

    fingerprint: pulumi.Output[str]

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(NetworkProvider(), name, {**props, "fingerprint": None}, opts)


@contextmanager
def _alone(stack_folder: Path) -> Iterator[None]:
    """One at a time over threads and processes: services are made in parallel and share the CA."""
    from servers import paths

    paths.make_passable(stack_folder.parent)
    lock = stack_folder.parent / f".{stack_folder.name}.lock"
    with _THREADS, lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_empty(folder: Path) -> None:
    if folder.exists() and not any(folder.iterdir()):
        folder.rmdir()


def _fingerprint(props: Mapping[str, Any]) -> str:
    """SHA-256 over the service's certificate and the CA's; empty when one of them is gone."""
    try:
        certificates = [
            (Path(props["folder"]) / "tls" / "server.crt").read_bytes(),
            (Path(props["stack_folder"]) / "ca" / "ca.crt").read_bytes(),
        ]
    except FileNotFoundError:
        return ""
    return hashlib.sha256(b"".join(certificates)).hexdigest()
