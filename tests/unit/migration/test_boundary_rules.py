"""Rules of services.yaml over edges: the first that matches decides, and only with an action that fits."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.contract import CrossingRule
from migration.boundary.edges import Action, Edge, decide, unmatched

pytestmark = pytest.mark.unit


def edge(identity: str, *possible: Action) -> Edge:
    return Edge(
        service="pay", kind="view", identity=identity, dependent=(1259, 1), referenced=(1259, 2),
        towards="user", found_by="catalogue", definition="", possible=frozenset(possible),
    )  # fmt: skip


def rule(match: str, action: str) -> CrossingRule:
    return CrossingRule.model_validate({"match": match, "action": action, "reason": f"{match} says so"})


def test_the_first_rule_that_matches_decides() -> None:
    decided = decide(
        edge("view a.v -> b.t", "drop", "ignore"), [rule("view a.v -> *", "ignore"), rule("*", "drop")]
    )
    assert (decided.action, decided.reason) == ("ignore", "view a.v -> * says so")


def test_an_edge_without_a_rule_stays_undecided() -> None:
    assert decide(edge("view a.v -> b.t", "drop"), [rule("view b.*", "drop")]).action is None


def test_an_action_that_does_not_fit_decides_nothing_and_says_what_would() -> None:
    decided = decide(edge("view a.v -> b.t", "drop"), [rule("*", "move")])
    assert decided.action is None
    assert "possible: drop" in decided.reason


def test_a_rule_that_matches_no_edge_is_reported() -> None:
    rules = {"pay": [rule("view a.v -> *", "drop"), rule("view a.w -> *", "drop")]}
    assert unmatched(rules, {"pay": [edge("view a.v -> b.t", "drop")]}) == ["pay: view a.w -> *"]


@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.just(" "), min_size=1)
)
def test_the_line_of_a_no_go_is_yaml_that_matches_exactly_that_edge(identity: str) -> None:
    (parsed,) = yaml.safe_load(edge(identity, "drop").line)
    assert fnmatchcase(identity, parsed["match"])
    assert not fnmatchcase(identity + "x", parsed["match"])
