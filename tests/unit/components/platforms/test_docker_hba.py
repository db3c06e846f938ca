"""Who is let in by an instance on Docker: its archive as the backup role alone, from one address."""

from __future__ import annotations

from typing import Any

import pytest

from components.platforms.docker.instance_files import hba_lines

pytestmark = pytest.mark.unit

PROPS: dict[str, Any] = {
    "administrator": "postgres",
    "host": "10.0.1.129",
    "gateway_address": "10.0.1.131",
    "subnet": "10.0.1.128/25",
    "database": "waqiti_users",
    "roles": ["user_service", "user_backup"],
    "replication_roles": ["user_migration", "user_backup"],
    "reading_roles": [],
}
ARCHIVE = {"archive": "10.0.240.19", "archive_role": "user_backup"}


def test_an_archive_is_let_in_as_the_backup_role_alone() -> None:
    lines = [line for line in hba_lines({**PROPS, **ARCHIVE}) if "10.0.240" in line]
    assert lines == [
        'hostssl "waqiti_users" "user_backup" 10.0.240.19/32 scram-sha-256',
        'hostssl replication "user_backup" 10.0.240.19/32 scram-sha-256',
    ]


def test_without_an_archive_nobody_more_is_let_in() -> None:
    assert set(hba_lines({**PROPS, **ARCHIVE})) - set(hba_lines(PROPS)) == {
        line for line in hba_lines({**PROPS, **ARCHIVE}) if "10.0.240.19/32" in line
    }


def test_everything_else_is_refused_after_the_archive() -> None:
    assert hba_lines({**PROPS, **ARCHIVE})[-3:] == [
        "local all all reject",
        "host all all all reject",
        "host replication all all reject",
    ]
