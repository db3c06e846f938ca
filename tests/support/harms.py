"""What can be done to an instance on Docker: it is killed, starved of processors and memory, filled up."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import LiteralString

import psycopg
from psycopg import sql

from components.contract import Service
from components.platforms.docker.rolling import STOP_SECONDS
from core.gateway.gateway import Gateway
from tests.acceptance.logins import connect
from tests.support.disks import BlockDisk
from tests.support.docker_stacks import DockerStack

TABLE: LiteralString = "blast_writes"
WRITE: LiteralString = "INSERT INTO blast_writes (line) VALUES (%s)"
BUSY_SESSIONS = 8
TOO_MUCH_MEMORY = 900_000_000
"""Bytes; past the limit of a small instance, and within what PostgreSQL lets a value have."""


BALLAST = "/var/lib/postgresql/data/log/postgresql-of-another-day.json"
LEFT_FOR_WAL = 24
"""MiB"""


def give_each_a_table(stack: DockerStack) -> None:
    """A table for a writer in every service's own database, to which its gateway leads from now on."""
    for service in stack.contract.services.values():
        statement = (
            f'SET ROLE "{service.owner}"; CREATE SCHEMA IF NOT EXISTS "{service.schema_name}"; CREATE TABLE'
            f' "{service.schema_name}".{TABLE} (line text PRIMARY KEY, at timestamptz DEFAULT now())'
        )
        _as_superuser(stack, service, statement)
        Gateway(service, stack.contract.source).repoint("target")


def count_of(service: Service, lines: list[str]) -> int:
    """How many of these writes the service's instance has."""
    with connect(service.instance, service.service, connect_timeout=3) as connection:
        row = connection.execute(
            sql.SQL("SELECT count(*) FROM {} WHERE line = ANY(%s)").format(
                sql.Identifier(service.schema_name, TABLE)
            ),
            [lines],
        ).fetchone()
    return int(row[0]) if row else 0


def kill(stack: DockerStack, service: Service) -> None:
    """The instance's first process gets a SIGKILL."""
    subprocess.run(["kill", "-9", str(stack.container(service.name)["State"]["Pid"])], check=True)


@contextmanager
def burning(service: Service) -> Iterator[None]:
    """More busy sessions than there are processors, for as long as it lasts."""
    sessions = [connect(service.instance, service.service) for _ in range(BUSY_SESSIONS)]
    threads = [threading.Thread(target=_burn, args=[one], daemon=True) for one in sessions]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for one in sessions:
            one.cancel_safe()
        for thread in threads:
            thread.join(30)


def _burn(session: psycopg.Connection[tuple[object, ...]]) -> None:
    with suppress(psycopg.Error), session:
        session.execute("SELECT count(*) FROM generate_series(1, 100000000000)")


def eat_memory(service: Service) -> None:
    """One statement takes more than the instance's limit; returns when its session is gone."""
    with suppress(psycopg.OperationalError), connect(service.instance, service.service) as session:
        session.execute("SELECT length(repeat('x', %s) || 'y')", [TOO_MUCH_MEMORY])
        raise AssertionError("the instance had more memory than its limit")


def fill(service: Service) -> str:
    """Rows until the disk is full; returns what the last statement was told."""
    table = sql.Identifier(service.schema_name, TABLE)
    statement = sql.SQL(
        "INSERT INTO {} (line) SELECT gen_random_uuid() || repeat('x', 1500) FROM generate_series(1, 20000)"
    ).format(table)
    try:
        with connect(service.instance, service.service) as session:
            while True:
                session.execute(statement)
    except psycopg.Error as error:
        return str(error)


def fill_with_wal(stack: DockerStack, service: Service) -> str:
    """A large log takes most of the disk and WAL that a slot keeps the rest; returns what the last statement
    was told."""
    free = stack.execute(
        f"{service.name}-instance", "df", "--output=avail", "-B1M", "/var/lib/postgresql/data"
    ).split()[-1]
    size = f"{int(free) - LEFT_FOR_WAL}MiB"
    said = stack.execute(f"{service.name}-instance", "fallocate", "-l", size, BALLAST)
    assert not said, said
    _as_superuser(stack, service, "SELECT pg_create_physical_replication_slot('nobody_reads_it', true)")
    try:
        with connect(service.instance, service.service) as session:
            while True:
                session.execute("SELECT pg_logical_emit_message(true, 'wal', repeat('x', 1000000))")
    except psycopg.Error as error:
        return str(error)


def remove_logs(stack: DockerStack, service: Service) -> None:
    """What a person does when the server of a full disk does not run: its logs go, from another container."""
    volume, image = f"waqiti-test-{service.name}-data", stack.container(service.name)["Image"]
    subprocess.run(
        ["docker", "run", "--rm", "--network", "none", "--volume", f"{volume}:/data", "--entrypoint", "sh",
         image, "-c", "rm /data/log/*"],
        env={**os.environ, "DOCKER_HOST": stack.host}, check=True, capture_output=True, timeout=60,
    )  # fmt: skip


def drop_slot(stack: DockerStack, service: Service) -> None:
    """What kept the WAL."""
    _as_superuser(stack, service, "SELECT pg_drop_replication_slot('nobody_reads_it')")


def _as_superuser(stack: DockerStack, service: Service, statement: str) -> None:
    said = stack.execute(
        f"{service.name}-instance", "psql", "-qX", "-v", "ON_ERROR_STOP=1", "-h", "/tmp",  # noqa: S108
        "-p", str(service.instance.port), "-U", "postgres", "-d", service.instance.database,
        "-c", statement,
    )  # fmt: skip
    assert "ERROR" not in said, said


def grow(stack: DockerStack, service: Service, disk: BlockDisk, megabytes: int) -> None:
    """What a person does when a disk is full: stop the container, grow the device, start it again."""
    container = f"waqiti-test-{service.name}-instance"
    stack.engine.stop(container, STOP_SECONDS)
    disk.grow(megabytes)
    stack.engine.start(container)
