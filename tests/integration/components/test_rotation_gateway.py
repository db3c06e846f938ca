"""A gateway whose logins change by turns, under load: no client fails, whichever login it has."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from components.service.turns import FIRST, Turns
from core.sessions.connections import Database
from tests.support.bouncers import bouncer_of, every_pgbouncer
from tests.support.team import Client
from tests.support.turned import turned_gateway

pytestmark = pytest.mark.integration

ROUNDS = 4


@pytest.fixture
def bouncer(request: pytest.FixtureRequest) -> Path:
    return bouncer_of(request.param)


@every_pgbouncer
def test_no_client_fails_however_often_its_login_changes(target_database: Database, bouncer: Path) -> None:
    with turned_gateway(target_database, bouncer) as gateway:
        old = Client(gateway.endpoint, gateway.logins[FIRST], "turn 0")
        for turn in range(1, ROUNDS + 1):
            with old:
                new = Client(gateway.endpoint, gateway.turn(Turns(turn, changing=True)), f"turn {turn}")
                with new:
                    old.until(10)
                    new.until(10)
            with new:
                gateway.turn(Turns(turn))
                new.until(20)
            assert (old.errors, new.errors) == ([], [])
            with pytest.raises(psycopg.OperationalError):
                old.connect().close()
            old = new
