"""A small certificate authority, so that TLS is verified in full between processes of one machine."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from servers.osuser import hand_over, write_private

AUTHORITY_DAYS = 3650
SERVER_DAYS = 825
"""The longest that strict clients (Apple's) accept."""
RENEW_DAYS = 30
"""A certificate with fewer days left is issued anew by the next `up`."""


@dataclass(frozen=True)
class Authority:
    """A CA in a folder: `ca.crt` for everyone, `ca.key` (0600) for us alone."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """What clients name as `sslrootcert`."""
        return self.folder / "ca.crt"

    @classmethod
    def create(cls, folder: Path, common_name: str) -> Authority:
        """Makes a new CA in `folder`, over one that was there."""
        folder.mkdir(parents=True, exist_ok=True)
        authority = cls(folder)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(common_name)
        certificate = (
            _builder(subject, subject, key.public_key(), AUTHORITY_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(authority=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        _write_key(folder / "ca.key", key, ours=True)
        _write_certificate(authority.certificate, certificate)
        return authority

    @classmethod
    def load(cls, folder: Path) -> Authority:
        """The CA that `create` made in `folder`; raises FileNotFoundError when there is none."""
        for name in ("ca.crt", "ca.key"):
            (folder / name).stat()
        return cls(folder)

    def issue(self, folder: Path, *, names: Sequence[str], addresses: Sequence[str] = ()) -> None:
        """Writes `server.crt` and `server.key` (0600, the servers' user's) for a server into `folder`.

        `names` are DNS names (the first is the subject), `addresses` IP addresses.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        issuer_key = serialization.load_pem_private_key((self.folder / "ca.key").read_bytes(), None)
        if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{self.folder / 'ca.key'} is no EC key")
        alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        alternatives += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        certificate = (
            _builder(_name(names[0]), issuer.subject, key.public_key(), SERVER_DAYS)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(issuer_key, hashes.SHA256())
        )
        folder.mkdir(parents=True, exist_ok=True)
        _write_key(folder / "server.key", key)
        _write_certificate(folder / "server.crt", certificate)
        hand_over(folder / "server.crt")


def days_left(certificate: Path) -> float:
    """Days until the certificate in a PEM file expires; negative afterwards."""
    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    left = loaded.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    return left / datetime.timedelta(days=1)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey, *, ours: bool = False) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(path, pem.decode(), ours=ours)


def _write_certificate(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    path.chmod(0o644)
