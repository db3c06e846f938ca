"""The folder of a service's archive: what is in it, and the files that say how it is filled.

    barman.conf     for Barman; no password in it
    passfile        libpq's, with the backup role's password
    control.json    `components.contract.BackupControl`, for the supervisor
    gnupg/          where the archive is encrypted: the public key, and no private one
    barman/         Barman's home: base backups, WAL, what is being received
    dumps/ state/ log/

All of it is the servers' user's alone (0700).
"""

from __future__ import annotations

import os
from pathlib import Path

from components import supervisors
from components.backup import encryption
from components.contract import BackupControl, Endpoint
from servers import osuser, paths
from servers.osuser import OsUser

SUPERVISOR = "operations.backup.supervise"
"""The module that keeps an archive filled: `python -m SUPERVISOR FOLDER`."""
RECEIVER = "barman_receive_wal"
"""application_name of who receives WAL, for synchronous_standby_names."""

_BARMAN = """\
; Written by `pulumi up`; the next one writes it anew.
[barman]
barman_user = {user}
barman_home = {folder}/barman
log_file = {folder}/log/barman.log
log_level = INFO

[{service}]
description = {service}
conninfo = {conninfo} dbname={database}
streaming_conninfo = {conninfo}
backup_method = postgres
streaming_archiver = on
streaming_archiver_name = {receiver}
slot_name = {slot}
create_slot = manual
path_prefix = {binaries}
check_timeout = 60
minimum_redundancy = {redundancy}
compression = {compression}
backup_compression_format = tar
"""


def conninfo(folder: Path, endpoint: Endpoint, role: str) -> str:
    """libpq's words for the instance as the backup role; the password is in the folder's passfile."""
    words = {
        "host": endpoint.host,
        **({"hostaddr": endpoint.address} if endpoint.address else {}),
        "port": str(endpoint.port),
        "user": role,
        "passfile": str(folder / "passfile"),
        "sslmode": endpoint.sslmode,
        **({"sslrootcert": endpoint.sslrootcert} if endpoint.sslrootcert else {}),
        "connect_timeout": "5",
    }
    return " ".join(f"{name}={_word(value)}" for name, value in words.items())


def write(
    control: BackupControl, endpoint: Endpoint, role: str, password: str, owner: OsUser | None = None
) -> bool:
    """Lay the folder out; returns whether a file changed. `owner`: a container's user who fills it, whom this
    machine need not know; None: the servers' user here. Raises ServerError."""
    folder = Path(control.folder)
    for part in (folder, *(folder / name for name in ("barman", "dumps", "state", "log"))):
        if owner is None:
            paths.make_private(part)
        else:
            part.mkdir(0o700, exist_ok=True)
            os.chown(part, owner.uid, owner.gid)
    compression = control.policy.compression
    barman = _BARMAN.format(
        user=owner.name if owner else osuser.administrators()[-1],
        folder=folder,
        service=control.service,
        conninfo=conninfo(folder, endpoint, role),
        database=_word(endpoint.database),
        receiver=RECEIVER,
        slot=control.slot,
        binaries=control.binaries,
        redundancy=control.policy.keep_at_least,
        compression=compression,
    )
    if compression != "none":
        barman += f"backup_compression = {compression}\nbackup_compression_location = client\n"
    fingerprint = encryption.lay_out(folder / encryption.FOLDER, control.policy.encryption_key, owner)
    if fingerprint is not None:
        barman += f"encryption = gpg\nencryption_key_id = {fingerprint}\n"
    changed = [
        _write(folder / "passfile", f"*:*:*:*:{_escaped(password)}\n", owner),
        _write(folder / "barman.conf", barman, owner),
        _write(folder / "control.json", _said(control), owner),
    ]
    return any(changed)


def start_supervisor(folder: Path) -> int:
    """Start who fills the archive; returns its process id. Raises ServerError where it does not come up."""
    return supervisors.start(SUPERVISOR, folder, "backups")


def drop_slot(control: BackupControl) -> None:
    """Drop the slot, where its server still answers; with the server it is gone anyway."""
    words = next(
        line.partition(" = ")[2]
        for line in (Path(control.folder) / "barman.conf").read_text(encoding="utf-8").splitlines()
        if line.startswith("streaming_conninfo = ")
    )
    osuser.run(
        [
            Path(control.binaries) / "pg_receivewal", "--dbname", words, "--slot", control.slot,
            "--no-password", "--no-loop", "--drop-slot",
        ],
        check=False, timeout=30,
    )  # fmt: skip


def supervisor_pid(folder: Path) -> int | None:
    """The process id of the supervisor that runs; None: there is none."""
    return supervisors.running(folder)


def stop_supervisor(folder: Path, seconds: float = 30.0) -> None:
    """End it with what it started, and wait at most `seconds`. Raises ServerError."""
    supervisors.stop(folder, seconds)


def _write(path: Path, text: str, owner: OsUser | None) -> bool:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    osuser.write_private(path, text, owner=owner)
    return True


def _said(control: BackupControl) -> str:
    """For who fills the archive, to whom all of it is here."""
    left_out = {"container", "stored"} | ({"administrator"} if control.administrator is None else set())
    return control.model_dump_json(indent=2, exclude=left_out) + "\n"


def _word(value: str) -> str:
    """A value of a connection string: quoted where it has to be."""
    if value and not set(value) & set(" '\\"):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _escaped(password: str) -> str:
    """https://www.postgresql.org/docs/current/libpq-pgpass.html"""
    return password.replace("\\", "\\\\").replace(":", "\\:")
