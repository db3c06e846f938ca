"""A gateway of several PgBouncers, as on Kubernetes, each with a console of its own: two of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from psycopg import sql
from pydantic import SecretStr

from components.contract import GatewayPods, LocalGatewayControl, Login
from core.errors import GatewayFailed, StepTimeout
from core.gateway import pods
from core.gateway.console import Console
from core.gateway.gateway import Gateway
from core.gateway.together import Gateways
from core.sessions.at_once import at_once
from core.sessions.connections import Database
from tests.support.contracts import make_contract
from tests.support.gateways import GatedService, ensure_login, gated_service

pytestmark = pytest.mark.integration

APPLICATION = Login(name="shared_application", password=SecretStr("application-password-of-nothing"))
SERVICE = Login(name="user_service", password=SecretStr("service-password-of-nothing"))
NAMES = ("one", "two")


@pytest.fixture
def two(
    source_database: Database, target_database: Database, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, GatedService]]:
    """Both, where a cluster's API would say that the pods are."""
    ensure_login(source_database, APPLICATION)
    ensure_login(target_database, SERVICE)
    with ExitStack() as stack:
        made = {
            name: stack.enter_context(
                gated_service(
                    "user",
                    source_database,
                    target_database,
                    application=APPLICATION,
                    service_login=SERVICE,
                    owner="owner",
                )
            )
            for name in NAMES
        }
        there = {
            name: {"host": str(one.server.sockets), "port": one.server.port} for name, one in made.items()
        }
        monkeypatch.setattr(pods, "places", lambda control, label: dict(there))
        monkeypatch.setattr("core.gateway.gateway.places", lambda control, label: dict(there))
        yield made


@pytest.fixture
def control(two: dict[str, GatedService]) -> LocalGatewayControl:
    of = GatewayPods(
        context="none",
        namespace="none",
        labels="app=gateway",
        secret="none",
        folder="/",
        host="user",
        authority="/none",
    )
    return two["one"].service.gateway_control.model_copy(update={"pods": of})


@pytest.fixture
def gateway(two: dict[str, GatedService], control: LocalGatewayControl, source_database: Database) -> Gateway:
    service = two["one"].service.model_copy(update={"gateway_control": control})
    return Gateway(service, make_contract(source_database, [service], APPLICATION).source)


def paused(gated: GatedService) -> bool:
    """What this one's own console says."""
    source = gated.service.gateway_control
    with pytest.MonkeyPatch.context() as own:
        own.setattr(pods, "places", lambda c, label: {"": {"host": source.sockets, "port": source.port}})
        with Console(source, "one") as console:
            name = gated.service.endpoint.database
            return next(row["paused"] for row in console.show("databases") if row["name"] == name) != "0"


def test_a_pause_holds_every_pod_and_a_resume_lets_all_go_on(
    two: dict[str, GatedService], gateway: Gateway
) -> None:
    gateway.pause(5)
    assert gateway.is_paused()
    assert [paused(one) for one in two.values()] == [True, True]
    gateway.resume()
    assert [paused(one) for one in two.values()] == [False, False]


def test_a_pod_that_began_anew_in_a_pause_is_not_taken_for_paused(
    two: dict[str, GatedService], gateway: Gateway
) -> None:
    gateway.pause(5)
    two["two"].server.kill()
    two["two"].server.start()
    assert not gateway.is_paused()
    gateway.pause(5)
    assert gateway.is_paused()
    gateway.resume()


def test_a_transaction_at_one_pod_keeps_the_pause_from_all(
    two: dict[str, GatedService], gateway: Gateway
) -> None:
    with two["two"].endpoint.connect(autocommit=False) as client:
        client.execute("SELECT 1")
        with pytest.raises(StepTimeout, match="1 in a transaction"):
            gateway.pause(0.5)
        assert [paused(one) for one in two.values()] == [False, False]


def test_a_pod_that_dies_is_said(two: dict[str, GatedService], gateway: Gateway) -> None:
    with gateway.connected():
        gateway.pause(5)
        two["one"].server.kill()
        with pytest.raises(GatewayFailed, match="went away"):
            gateway.is_paused()
    two["one"].server.start()
    gateway.resume()
    assert not paused(two["two"])


def test_rows_say_which_pod_they_are_of(two: dict[str, GatedService], control: LocalGatewayControl) -> None:
    with Console(control, "the gateway") as console:
        rows = console.show("version")
        assert {row["pod"] for row in rows} == set(NAMES)
        assert {row["pod"] for row in console.command(sql.SQL("SHOW version"), only={"two"})} == {"two"}


def test_another_whole_configuration_leads_elsewhere(two: dict[str, GatedService], gateway: Gateway) -> None:
    """What `repoint` does on Kubernetes: no file that PgBouncer reads is written."""
    for gated in two.values():
        folder = Path(gated.server.configuration).parent
        gateway_entry = gateway._routes_entry("target")
        from servers.pgbouncer_routes import routes_text

        text = gated.server.configuration.read_text().replace(f"%include {gated.server.routes}", "")
        (folder / "target.ini").write_text(routes_text(gateway_entry, "target.ini") + text)
        (folder / "target.ini").chmod(0o644)
    gateway.pause(5)
    with gateway._console() as console:
        for name, gated in two.items():
            path = sql.Literal(str(gated.server.configuration.parent / "target.ini"))
            console.command(sql.SQL("SET conffile = {}").format(path), only={name})
        console.command(sql.SQL("RELOAD"))
        assert {gateway._route_of(entry) for entry in gateway._entries(console)} == {"target"}
    gateway.resume()
    assert gateway.route() == "target"


def test_gateways_are_paused_together_at_all_of_their_pods(
    two: dict[str, GatedService], control: LocalGatewayControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = two["one"].service.model_copy(update={"gateway_control": control})
    with Gateways([service]) as gateways:
        assert gateways.routes().keys() == {"user"}
        gateways.prepare()
        assert gateways.pause(5).keys() == {"user"}
        assert [paused(one) for one in two.values()] == [True, True]
        assert gateways.gone_on(at_once(gateways.questions(), 5)) == []
        two["two"].server.kill()
        two["two"].server.start()
        gateways.resume()
        assert [paused(one) for one in two.values()] == [False, False]
        assert gateways.others() == []
        there = pods.places(control, "user")
        monkeypatch.setattr(pods, "places", lambda *_: {**there, "three": there["one"]})
        assert gateways.others() == ["user"]


def test_one_pod_that_did_not_stay_paused_is_not_taken_for_an_instant(
    two: dict[str, GatedService], control: LocalGatewayControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = two["one"].service.model_copy(update={"gateway_control": control})
    with Gateways([service]) as gateways:
        gateways.prepare()
        gateways.pause(5)
        with monkeypatch.context() as own:
            at = two["two"].service.gateway_control
            own.setattr(pods, "places", lambda *_: {"": {"host": at.sockets, "port": at.port}})
            with Console(at, "two") as console:
                console.command(sql.SQL("RESUME {}").format(sql.Identifier(service.endpoint.database)))
        assert gateways.gone_on(at_once(gateways.questions(), 5)) == ["user"]
        gateways.resume()
