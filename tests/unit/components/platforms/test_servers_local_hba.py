"""Who is let in by the local platform: this service's roles and the administrator, over TLS, nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from components.platforms.local import gateway as local_gateway
from components.platforms.local import instance as local_instance

pytestmark = pytest.mark.unit

PROPS: dict[str, Any] = {
    "address": "127.0.0.1",
    "database": "waqiti_users",
    "administrator": "postgres",
    "roles": ["user_service", "user_backup"],
    "replication_roles": ["user_migration", "user_backup"],
    "service_role": "user_service",
    "ddl_role": "user_ddl",
}


def test_each_role_is_admitted_once_to_the_service_s_database() -> None:
    lines = local_instance.hba_lines(PROPS)
    for role in ("user_service", "user_backup", "user_migration"):
        assert lines.count(f'hostssl "waqiti_users" "{role}" 127.0.0.1/32 scram-sha-256') == 1


def test_only_replicating_roles_replicate() -> None:
    lines = local_instance.hba_lines(PROPS)
    assert [line.split()[2] for line in lines if line.startswith("hostssl replication")] == [
        '"user_migration"',
        '"user_backup"',
    ]


@pytest.mark.parametrize("lines", [local_instance.hba_lines(PROPS), local_gateway.hba_lines(PROPS)])
def test_everything_else_is_refused_in_the_end_and_nothing_is_trusted(lines: list[str]) -> None:
    assert not any("trust" in line for line in lines)
    assert all(line.startswith(("hostssl", "local")) for line in lines if "reject" not in line)
    assert lines[-1].endswith("reject")


def test_a_role_called_all_is_that_role_and_not_everybody() -> None:
    assert not any(
        line.split()[2] == "all"
        for line in local_instance.hba_lines({**PROPS, "roles": ["all"]})
        if "reject" not in line
    )
