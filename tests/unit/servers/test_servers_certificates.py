"""Certificates that strict clients accept, for the names and addresses that were asked for."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from servers.certificates import RENEW_DAYS, SERVER_DAYS, Authority, days_left

pytestmark = pytest.mark.unit


@pytest.fixture
def issued(tmp_path: Path) -> Path:
    authority = Authority.create(tmp_path, "test CA")
    authority.issue(tmp_path / "tls", names=["postgres-user", "localhost"], addresses=["127.0.0.1", "::1"])
    return tmp_path


def handshake(folder: Path, name: str, authority: Path) -> None:
    """A TLS client that verifies in full meets a server with the certificate in `folder`."""
    ours, theirs = socket.socketpair()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls/server.crt", folder / "tls/server.key")

    def serve() -> None:
        try:
            context.wrap_socket(theirs, server_side=True).close()
        except (ssl.SSLError, OSError):
            theirs.close()

    server = threading.Thread(target=serve)
    server.start()
    client = ssl.create_default_context(cafile=str(authority))
    try:
        client.wrap_socket(ours, server_hostname=name).close()
    finally:
        ours.close()
        server.join()


@pytest.mark.parametrize("name", ["postgres-user", "localhost", "127.0.0.1", "::1"])
def test_a_client_that_verifies_in_full_accepts_each_name(issued: Path, name: str) -> None:
    handshake(issued, name, issued / "ca.crt")


def test_another_name_is_refused(issued: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(issued, "postgres-payment", issued / "ca.crt")


def test_another_authority_is_refused(issued: Path, tmp_path: Path) -> None:
    other = Authority.create(tmp_path / "other", "another CA")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(issued, "postgres-user", other.certificate)


def test_an_authority_is_loaded_as_it_was_made(issued: Path) -> None:
    Authority.load(issued).issue(issued / "tls", names=["again"])
    handshake(issued, "again", issued / "ca.crt")


def test_a_certificate_lives_long_enough_not_to_be_renewed_at_once(issued: Path) -> None:
    assert RENEW_DAYS < days_left(issued / "tls/server.crt") <= SERVER_DAYS
