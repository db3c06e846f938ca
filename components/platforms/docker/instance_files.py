"""What an instance's container finds under /etc/waqiti: configuration, certificate, first password, start.

Written before the container is made. When the container is about to be replaced, the service's clients are
made to wait first: `instance.DockerInstance`, which comes after the container, lets them go on.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, ReadResult, Resource, UpdateResult

from components.platforms.audit import is_by_pgaudit
from components.platforms.provider import LocalProvider
from servers.errors import ServerError

MOUNTED_AT = "/etc/waqiti"
VOLUME = "/var/lib/postgresql/data"
DATA = f"{VOLUME}/pgdata"
SOURCE_AUTHORITY = "source-ca.crt"
STACK_AUTHORITY = "stack-ca.crt"
SOCKETS = "/tmp"  # noqa: S108 - of the container, in memory
START = Path(__file__).with_name("start.sh")
HEALTH = Path(__file__).with_name("health.sh")

LOGGING: Mapping[str, str] = {
    # A file a weekday, so that an audit log of every statement cannot fill the disk for ever.
    "logging_collector": "on",
    "log_destination": "jsonlog",
    "log_directory": f"{VOLUME}/log",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_file_mode": "0600",
    # How much is audited: who changed what. By pgaudit where the image has it (audit.py).
    "log_statement": "mod",
}
"""What the stack's own parameters may override."""


class FilesProvider(LocalProvider):
    """Writes the files for the container's user."""

    inputs = (
        "folder", "user", "version", "name", "address", "port", "database", "parameters", "administrator",
        "administrator_password", "authority", "roles", "replication_roles", "reading_roles", "subnet",
        "host", "certificate", "tls", "source_authority", "socket", "gateway", "gateway_address", "routes",
        "shape", "archive", "archive_role",
    )  # fmt: skip
    replaced_by = ("folder",)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Another major version is refused, its data needs more than another image; so is an image without
        pgaudit once the database has its extension, whose event triggers need the library for any DDL."""
        before, after = _olds.get("version"), news.get("version")
        if before is not None and after is not None and int(before) != int(after):
            refused = (
                f"this instance holds data of PostgreSQL {int(before)} and cannot become {int(after)}; set it"
                f" back to {int(before)}, deploy a second stack with {int(after)}, and move the service there"
                " with `python -m migration`"
            )
            return CheckResult(news, [CheckFailure("postgresVersion", refused)])
        if is_by_pgaudit(_olds.get("parameters") or {}) and not is_by_pgaudit(news["parameters"]):
            refused = (
                "this instance is audited by pgaudit, and the image has none; name an image that has it in"
                " docker.postgresImage"
            )
            return CheckResult(news, [CheckFailure("docker.postgresImage", refused)])
        return super().check(_olds, news)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(Path(props["folder"]).parent.name, self._write(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        folder = Path(props["folder"])
        return ReadResult(id_, self.kept(props)) if folder.exists() else ReadResult(None, {})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        from components.platforms.docker import rolling

        if _olds.get("shape") != _news["shape"]:
            rolling.hold(_olds)
        return UpdateResult(self._write(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        shutil.rmtree(_props["folder"], ignore_errors=True)

    def needs_attention(self, props: Mapping[str, Any]) -> bool:
        folder = Path(props["folder"])
        return any(
            not (folder / name).exists() or (folder / name).read_text() != text
            for name, (text, _mode) in files(props).items()
        )

    def _write(self, props: Mapping[str, Any]) -> dict[str, Any]:
        from servers import paths

        folder = Path(props["folder"])
        paths.make_passable(folder.parent.parent)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        user, group = (int(number) for number in str(props["user"]).split(":"))
        for name, (text, mode) in files(props).items():
            _replace(folder / name, text, mode, user, group)
        return self.kept(props)


class InstanceFiles(Resource, module="docker", name="InstanceFiles"):
    """The files of an instance's container."""

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(FilesProvider(), name, props, opts)


def files(props: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """Content and mode of each file."""
    tls, source = Path(props["tls"]), props.get("source_authority")
    trusted = {SOURCE_AUTHORITY: (_certificate(source), 0o644)} if source else {}
    return {
        **trusted,
        STACK_AUTHORITY: (Path(props["authority"]).read_text(encoding="utf-8"), 0o644),
        "start": (START.read_text(encoding="utf-8"), 0o755),
        "health": (HEALTH.read_text(encoding="utf-8"), 0o755),
        "postgresql.conf": (configuration(props), 0o644),
        "hba.conf": ("".join(f"{line}\n" for line in hba_lines(props)), 0o644),
        "ident.conf": ("", 0o644),
        "password": (f"{props['administrator_password']}\n", 0o600),
        "server.crt": ((tls / "server.crt").read_text(encoding="utf-8"), 0o644),
        "server.key": ((tls / "server.key").read_text(encoding="utf-8"), 0o600),
    }


def configuration(props: Mapping[str, Any]) -> str:
    """postgresql.conf. Later lines win, so what a container needs stands last."""
    own = {
        "port": str(int(props["port"])),
        "listen_addresses": "*",
        "unix_socket_directories": SOCKETS,
        "ssl": "on",
        "ssl_cert_file": f"{MOUNTED_AT}/server.crt",
        "ssl_key_file": f"{MOUNTED_AT}/server.key",
    }
    parameters = {**props["parameters"], **own}
    return "".join(f"{name} = {_quoted(value)}\n" for name, value in sorted(parameters.items()))


def hba_lines(props: Mapping[str, Any]) -> list[str]:
    """pg_hba.conf: this service's roles at its database, from its gateway and from the host's address in its
    inner network; what reads it from anywhere in that network, as one role; the backup role from its archive,
    too; the administrator from the host and inside the container; nobody else, over TLS only."""
    administrator, host, gateway = (
        _name(props["administrator"]),
        f"{props['host']}/32",
        f"{props['gateway_address']}/32",
    )
    replication = list(props["replication_roles"])
    admitted = dict.fromkeys([*props["roles"], *replication])
    archive = f"{props['archive']}/32" if props.get("archive") else None
    return [
        f"local all {administrator} peer",
        f"hostssl all {administrator} {host} scram-sha-256",
        *_admit(props["database"], admitted, host),
        *_admit(props["database"], props["roles"], gateway),
        *_admit(props["database"], props["reading_roles"], props["subnet"]),
        *(f"hostssl replication {_name(role)} {host} scram-sha-256" for role in replication),
        *(_admit_archive(props["database"], props["archive_role"], archive) if archive else []),
        "local all all reject",
        "host all all all reject",
        "host replication all all reject",
    ]


def _admit(database: str, roles: Iterable[str], subnet: str) -> list[str]:
    return [f"hostssl {_name(database)} {_name(role)} {subnet} scram-sha-256" for role in roles]


def _admit_archive(database: str, role: str, address: str) -> list[str]:
    return [
        f"hostssl {one} {_name(role)} {address} scram-sha-256" for one in (_name(database), "replication")
    ]


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _certificate(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ServerError(
            f"cannot be read ({error.strerror})",
            where=path,
            to_do="correct source.sslrootcert in the stack's settings",
        ) from error


def _replace(path: Path, text: str, mode: int, user: int, group: int) -> None:
    """Atomically: a container reads these files at any time. A file that is mounted by itself has to stay the
    same one."""
    if path.name in (SOURCE_AUTHORITY, STACK_AUTHORITY) and path.exists():
        path.write_text(text, encoding="utf-8")
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.chown(temporary, user, group)
    temporary.chmod(mode)
    temporary.rename(path)
