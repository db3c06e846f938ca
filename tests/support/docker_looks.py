"""What a test sees of a stack on Docker: its logs, who gets in where, what has arrived."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from components.contract import Contract, Login, Service
from tests.acceptance.logins import connect
from tests.support.docker_stacks import DockerStack
from tests.support.waiting import wait_until


def see_a_change_of_a_user_in_analytics(stack: DockerStack) -> None:
    user, analytics = (stack.contract.services[name] for name in ("user", "analytics"))
    with connect(user.endpoint, user.service) as session:
        changed = session.execute(
            "UPDATE users SET country = CASE country WHEN 'FR' THEN 'DE' ELSE 'FR' END"
            " WHERE id = (SELECT min(id) FROM users) RETURNING id, country"
        ).fetchone()
    with connect(analytics.instance, analytics.backup) as session:
        wait_until(
            lambda: session.execute(
                "SELECT id, country FROM user_schema.users WHERE id = (SELECT min(id) FROM user_schema.users)"
            ).fetchone() == changed
        )  # fmt: skip


def has_a_way_to_shared(stack: DockerStack, service: str) -> bool:
    containers = (f"waqiti-test-{service}-{kind}" for kind in ("instance", "gateway"))
    return any(stack.engine.is_in("waqiti-test-link", container) for container in containers)


def tries_to_get_in(stack: DockerStack, where: str, service: Service, login: Login) -> str:
    """What psql says in the container `where`."""
    at = service.instance
    command = (
        f"PGPASSWORD={login.password.get_secret_value()} psql 'host={at.address} port={at.port}"
        f" user={login.name} dbname={at.database} sslmode=require connect_timeout=15' -c 'SELECT 1'"
    )
    return stack.execute(where, "sh", "-c", command)


def administrator(stack: DockerStack, service: str) -> Login:
    """The superuser of an instance, whom the host alone lets in."""
    file = Path(stack.stack.folder, f"state/stacks/waqiti-test/{service}/instance/password")
    return Login(name="postgres", password=SecretStr(file.read_text().strip()))


def server_log(stack: DockerStack, service: str) -> str:
    """The instance's log, JSON lines."""
    return stack.execute(f"{service}-instance", "sh", "-c", "cat /var/lib/postgresql/data/log/*.json")


def audit_lines(stack: DockerStack, service: str) -> list[dict[str, Any]]:
    """What pgaudit wrote into it."""
    lines = [json.loads(line) for line in server_log(stack, service).splitlines()]
    return [line for line in lines if line["message"].startswith("AUDIT: ")]


def who_did(audit: list[dict[str, Any]], word: str) -> set[tuple[str, str]]:
    """Class, command and role of the statements with `word` in them."""
    return {
        (",".join(line["message"].split(",")[3:5]), line["user"]) for line in audit if word in line["message"]
    }


def passwords(contract: Contract) -> dict[str, str]:
    return {
        f"{name}'s {login.name}": login.password.get_secret_value()
        for name, service in contract.services.items()
        for login in (
            service.service, service.migration, service.monitoring, service.backup,
            service.gateway_control.administrator,
        )
    }  # fmt: skip
