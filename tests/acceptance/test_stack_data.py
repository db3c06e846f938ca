"""Data outlives mistakes: it is protected, and what `destroy` kept comes back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from components.contract import Contract
from tests.acceptance.logins import connect
from tests.acceptance.stack import Stack, stack_that_is_up

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]


@pytest.fixture
def careful(settings_beside: dict[str, Any], variables: dict[str, str]) -> Iterator[Stack]:
    """A stack of one service that is up, and is as careful with its data as it is by default."""
    default = {key: value for key, value in settings_beside.items() if key not in ("keepData", "protectData")}
    own = {**default, "services": ["user"]}
    with stack_that_is_up(own, variables) as stack:
        yield stack


def _write(contract: Contract, number: int) -> None:
    service = contract.services["user"]
    with connect(service.instance, service.migration) as connection:
        connection.execute("SET ROLE waqiti_user_owner")
        connection.execute("CREATE TABLE user_schema.kept (number integer)")
        connection.execute("INSERT INTO user_schema.kept VALUES (%s)", [number])


def _read(contract: Contract) -> list[tuple[int]]:
    service = contract.services["user"]
    with connect(service.instance, service.service) as connection:
        return connection.execute("SELECT number FROM kept").fetchall()


def test_a_destroy_is_refused_and_what_was_kept_by_one_comes_back(careful: Stack) -> None:
    number = random.randrange(10**6)
    _write(careful.contract(), number)

    # With its preview, as a person runs it: without, Pulumi forgets all that is not protected.
    refused = careful.run("destroy", "--yes", "--stack", "test", check=False)
    assert refused.code != 0
    assert "protect" in refused.output
    assert careful.changes() == {}
    assert _read(careful.contract()) == [(number,)]

    careful.configure({"protectData": False})
    careful.up()
    before = careful.folder / "before.json"
    careful.run("stack", "export", "--stack", "test", "--file", str(before))
    careful.run("destroy", "--yes", "--skip-preview", "--stack", "test")
    careful.run("stack", "import", "--stack", "test", "--file", str(before))
    careful.up()
    assert _read(careful.contract()) == [(number,)]
    assert careful.changes() == {}
