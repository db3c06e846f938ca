"""What a stack's settings may not be, given the catalogue and the host. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from components.problems import Problem, unknown_service
from components.sizes import GB

if TYPE_CHECKING:
    from components.catalogue.model import Catalogue
    from components.settings.model import Settings

HIGHEST_PORT = 65535
EXPORTERS = 2
"""The number of the first service's exporter among the ports of what watches, after Prometheus and ours."""
SYSTEM_SHARE = 0.1
"""Part of the host's memory that is left to everything else."""


def check(
    settings: Settings, catalogue: Catalogue, where: str, host_memory: int | None, *, preview: bool
) -> list[Problem]:
    """Every problem of `settings`; `where` is put before each key, `host_memory` is in kB.

    Files are looked for when it is not a preview.
    """
    return [
        *_services(settings, catalogue, where),
        *_ports(settings, catalogue, where),
        *_memory(settings, catalogue, where, host_memory),
        *([] if preview else _files(settings, where)),
    ]


def _services(settings: Settings, catalogue: Catalogue, where: str) -> Iterator[Problem]:
    known = list(catalogue.services)
    for key, names in (
        ("services", settings.services or ()),
        ("servicePasswords", settings.service_passwords),
        ("takenOver", () if settings.taken_over == "all" else settings.taken_over),
        ("ddlPasswords", settings.ddl_passwords),
        ("secondPasswords", settings.second_passwords),
        ("secondDdlPasswords", settings.second_ddl_passwords),
        ("backupKeys", settings.backup_keys),
        ("rotation", settings.rotation),
    ):
        for name in names:
            if name not in catalogue.services:
                yield unknown_service(f"{where}{key}", name, known)
    if settings.services is not None and not settings.services:
        yield Problem(f"{where}services", "no service", "name at least one, or remove the key for all")


def _ports(settings: Settings, catalogue: Catalogue, where: str) -> Iterator[Problem]:
    taken: dict[int, str] = {}
    if settings.source.address in ("127.0.0.1", "::1") or settings.source.host == "localhost":
        taken[settings.source.port] = "the shared database"
    for name, entry in settings.deployed(catalogue).items():
        for kind, port, key in (
            ("endpoint", settings.endpoint_port(entry), "portOffset"),
            ("instance", settings.instance_port(entry), "instancePortOffset"),
        ):
            what = f"{name}'s {kind} would listen at {port}"
            if port > HIGHEST_PORT:
                yield Problem(f"{where}{key}", f"{what}, past {HIGHEST_PORT}", "lower it")
                continue
            holder = taken.setdefault(port, f"{name}'s {kind}")
            if holder != f"{name}'s {kind}":
                yield Problem(f"{where}{key}", f"{what}, which is {holder}'s port", "choose another")
    if settings.monitoring is not None:
        yield from _monitoring(settings, catalogue, where, taken)


def _monitoring(
    settings: Settings, catalogue: Catalogue, where: str, taken: dict[int, str]
) -> Iterator[Problem]:
    for number in range(EXPORTERS + len(catalogue.services)):
        port = settings.monitoring_port(number)
        if port in taken or port > HIGHEST_PORT:
            of = f"{taken[port]}'s port" if port in taken else f"past {HIGHEST_PORT}"
            what = f"what watches would listen at {port}, {of}"
            yield Problem(f"{where}monitoring.port", what, "choose another")


def _memory(
    settings: Settings, catalogue: Catalogue, where: str, host_memory: int | None
) -> Iterator[Problem]:
    if settings.platform != "local" or host_memory is None:
        return
    at_scale_one = sum(entry.resources.memory for entry in settings.deployed(catalogue).values())
    usable = host_memory * (1 - SYSTEM_SHARE)
    if at_scale_one * settings.scale > usable:
        most = math.floor(usable / at_scale_one * 100) / 100
        yield Problem(
            f"{where}scale",
            f"at {settings.scale:g} the services take {at_scale_one * settings.scale / GB:.1f} GB of memory, "
            f"and this host has {host_memory / GB:.1f} GB",
            f"set it to {most:g} or less",
        )


def _files(settings: Settings, where: str) -> Iterator[Problem]:
    certificate = settings.source.sslrootcert
    if certificate is not None and not Path(certificate).is_file():
        yield Problem(
            f"{where}source.sslrootcert",
            f"{certificate} is no file",
            "name the CA's certificate (a relative path starts at the state folder)",
        )
    if settings.postgres_bin is not None and not (Path(settings.postgres_bin) / "postgres").is_file():
        yield Problem(
            f"{where}postgresBin",
            f"{settings.postgres_bin} has no `postgres`",
            "name the folder that holds it, or remove the key",
        )
