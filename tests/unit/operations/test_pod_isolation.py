"""What counts as a breach of isolation on Kubernetes, and how the matrix shows it."""

from __future__ import annotations

import pytest

from operations.isolation.matrix import ELSEWHERE, Attempt
from operations.isolation.pods import INSIDE, PodFindings, matrix

pytestmark = pytest.mark.unit


def findings(**more: list[Attempt]) -> PodFindings:
    found = PodFindings(("user", "wallet"), linked=frozenset({"user"}))
    for name in found.services:
        own = Attempt(f"gateway:{name}", "10.96.0.64", 5433, "open", 1)
        found.attempts[name] = [own, *more.get(name, [])]
        found.attempts[f"{INSIDE}{name}"] = more.get(f"inside_{name}", [])
    found.attempts[ELSEWHERE] = more.get("elsewhere", [])
    return found


def attempt(target: str, result: str = "open") -> Attempt:
    return Attempt(target, "10.244.0.9", 5432, result, 1)


def test_an_application_that_reaches_its_own_gateway_alone_is_isolated() -> None:
    assert findings(user=[attempt("gateway:wallet", "refused")]).breaches() == []


@pytest.mark.parametrize("origin", ["user", "elsewhere", "inside_wallet"])
@pytest.mark.parametrize("target", ["gateway:wallet", "instance:user"])
def test_anything_else_that_is_open_is_a_breach(origin: str, target: str) -> None:
    assert len(findings(**{origin: [attempt(target)]}).breaches()) == 1


def test_a_gateway_that_is_not_in_reach_by_each_way_is_named() -> None:
    found = findings(user=[attempt("gateway:user", "silence")])
    assert found.breaches() == ["from user: its own gateway is not in reach everywhere"]


def test_the_link_to_the_shared_database_is_none_while_it_lasts() -> None:
    assert findings(inside_user=[attempt("shared")]).breaches() == []
    assert len(findings(inside_wallet=[attempt("shared")]).breaches()) == 1


def test_a_service_account_that_reads_anothers_secrets_is_a_breach() -> None:
    found = findings()
    found.accounts = [("waqiti-test-user/db", "waqiti-test-wallet")]
    assert found.breaches() == ["waqiti-test-user/db may read the Secrets of waqiti-test-wallet"]


def test_the_matrix_tells_what_was_open_from_where() -> None:
    table = matrix(findings(inside_user=[attempt("shared"), attempt("api", "refused")])).splitlines()
    assert [line.split() for line in table[:3]] == [
        ["from", "\\", "to", "user", "wallet", "api", "shared", "out"],
        ["user", "gateway"],
        ["inside", "user", "-", "shared"],
    ]
