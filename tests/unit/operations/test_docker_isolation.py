"""What counts as a breach of isolation, and how the matrix shows it."""

from __future__ import annotations

import pytest

from operations.isolation.matrix import ARCHIVE, ELSEWHERE, Attempt, Findings, matrix

pytestmark = pytest.mark.unit


def findings(engine: str = "26.1.5+dfsg1", **more: list[Attempt]) -> Findings:
    found = Findings(("user", "wallet"), engine)
    for name in found.services:
        found.attempts[name] = [
            Attempt(f"gateway:{name}", "10.0.0.2", 5433, "open", 1),
            Attempt("out", "192.0.2.1", 80, "no-route", 1),
            *more.get(name, []),
        ]
        found.default_routes[name] = 0
    found.members = {
        network: frozenset(members)
        for name in found.services
        for network, members in (
            (name, {f"{name}-gateway"}),
            (f"{name}-inner", {f"{name}-gateway", f"{name}-instance"}),
        )
    }
    found.attempts[ELSEWHERE], found.default_routes[ELSEWHERE] = more.get(ELSEWHERE, []), 1
    found.logins = {
        (one, other): "gateway" if one == other else "" for one in found.services for other in found.services
    }
    return found


def test_a_service_that_reaches_its_own_gateway_alone_is_isolated() -> None:
    assert findings().breaches() == []


@pytest.mark.parametrize("result", ["open", "refused"])
@pytest.mark.parametrize("target", ["gateway:wallet", "instance:wallet", "instance:user", "host", "out"])
def test_anything_else_that_answers_is_a_breach(target: str, result: str) -> None:
    assert len(findings(user=[Attempt(target, "10.0.0.9", 5432, result, 1)]).breaches()) == 1


@pytest.mark.parametrize("result", ["no-route", "no-host", "no-name", "silence"])
def test_what_does_not_answer_is_none(result: str) -> None:
    assert findings(user=[Attempt("instance:wallet", "10.0.0.9", 5432, result, 1)]).breaches() == []


def test_silence_on_the_way_out_is_a_breach_as_something_took_it_further() -> None:
    found = findings(user=[Attempt("out", "192.0.2.1", 80, "silence", 8000)])
    assert found.breaches() == ["from user's network: out at 192.0.2.1:80 is silence"]


def test_a_default_route_is_a_breach_where_the_engine_writes_none() -> None:
    found = findings()
    found.default_routes["user"] = 1
    assert found.breaches() == ["from user's network: there is a default route"]
    assert found.notes() == []


def test_an_older_engines_default_route_is_no_breach_and_said_plainly() -> None:
    found = findings(engine="20.10.24+dfsg1")
    assert (found.breaches(), found.notes()) == ([], [])
    found.default_routes["user"] = 1
    assert found.breaches() == []
    assert [note.partition(":")[0] for note in found.notes()] == [
        "Docker Engine 20.10.24+dfsg1 gives containers a default route that leads to nobody"
    ]


def test_a_gateway_that_its_own_service_does_not_reach_is_named() -> None:
    found = findings()
    found.attempts["user"] = []
    assert found.breaches() == ["from user's network: its own gateway is not in reach"]


def with_archive(*more: Attempt) -> Findings:
    """The user service has an archive, whose network was tried from, too."""
    found = findings()
    origin = f"{ARCHIVE}user"
    found.attempts[origin] = [Attempt("instance:user", "10.0.240.18", 15433, "open", 1), *more]
    found.default_routes[origin] = 0
    found.members["user-archive"] = frozenset({"user-instance", "user-archive"})
    return found


def test_an_archive_that_reaches_its_instance_alone_is_isolated() -> None:
    found = with_archive(Attempt("archive:user", "10.0.240.19", 15433, "refused", 1))
    assert found.breaches() == []
    assert f"{ARCHIVE}user" in matrix(found)


@pytest.mark.parametrize("target", ["gateway:user", "instance:wallet", "archive:wallet", "host", "out"])
def test_anything_else_that_an_archive_reaches_is_a_breach(target: str) -> None:
    (said,) = with_archive(Attempt(target, "10.0.0.9", 5432, "refused", 1)).breaches()
    assert said == f"from {ARCHIVE}user's network: {target} at 10.0.0.9:5432 is refused"


def test_an_archive_that_does_not_reach_its_instance_is_named() -> None:
    found = with_archive()
    found.attempts[f"{ARCHIVE}user"] = []
    assert found.breaches() == [f"from {ARCHIVE}user's network: its own instance is not in reach"]


def test_a_stranger_in_an_archives_network_is_named() -> None:
    found = with_archive()
    found.members["user-archive"] |= {"user-gateway"}
    assert found.breaches() == ["user-gateway is in the network user-archive"]


def test_a_login_that_gets_in_elsewhere_is_a_breach() -> None:
    found = findings()
    found.logins["user", "wallet"] = "instance"
    assert found.breaches() == ["user's login gets in at wallet's instance"]


def test_the_matrix_shows_what_was_reached_from_where() -> None:
    found = findings(wallet=[Attempt("instance:user", "10.0.0.9", 5432, "open", 1)])
    assert matrix(found).splitlines() == [
        "from \\ to  user      wallet   host  out  route out  logins",
        "user       gateway   -        -     -    0          user",
        "wallet     instance  gateway  -     -    0          wallet",
        "elsewhere  -         -        -     -    1          -",
    ]


@pytest.mark.parametrize("network", ["user", "user-inner"])
@pytest.mark.parametrize("stranger", ["wallet-instance", "wallet-gateway"])
def test_anothers_container_in_a_services_network_is_a_breach(network: str, stranger: str) -> None:
    found = findings()
    found.members[network] |= {stranger}
    assert found.breaches() == [f"{stranger} is in the network {network}"]


def test_only_a_readers_instance_may_be_in_the_inner_network() -> None:
    found = findings()
    found.reads = (("wallet", "user"),)
    found.members["user-inner"] |= {"wallet-instance"}
    assert found.breaches() == []
    found.members["user"] |= {"wallet-instance"}
    found.members["user-inner"] |= {"wallet-gateway"}
    found.members["wallet-inner"] |= {"user-instance"}
    assert len(found.breaches()) == 3
