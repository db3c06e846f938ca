"""Logins by turns: which is current, which is valid, and when a password is drawn anew."""

from __future__ import annotations

import pytest

from components.service.login_turns import _Provider
from components.service.turns import FIRST, SECOND, Turns, drawn, second

pytestmark = pytest.mark.unit


def test_by_turns_each_set_is_current_and_the_other_ends() -> None:
    never, first, over, back = Turns(), Turns(1, changing=True), Turns(1), Turns(2, changing=True)
    assert [one.current for one in (never, first, over, back)] == [FIRST, SECOND, SECOND, FIRST]
    opened = [
        [which for which in (FIRST, SECOND) if one.is_open(which)] for one in (never, first, over, back)
    ]
    assert opened == [[FIRST], [FIRST, SECOND], [SECOND], [FIRST, SECOND]]


def test_a_password_is_drawn_when_its_turn_comes_and_not_again() -> None:
    turns = [Turns(n, changing) for n in range(5) for changing in (True, False)]
    for which in (FIRST, SECOND):
        generations = [one.password(which) for one in turns]
        assert generations == sorted(generations), "never drawn back"
        assert all(one.password(which) == one.logins for one in turns if one.current == which)
    assert Turns(3, changing=True).password(FIRST) == Turns(2).password(FIRST)


def test_what_was_never_rotated_keeps_its_password() -> None:
    assert drawn("1", Turns().password(FIRST)) == "1"
    assert drawn("1", 2) != drawn("1", 3)


def test_the_second_name_fits_where_the_first_did() -> None:
    assert second("waqiti_user_service") == "waqiti_user_service_b"
    longest = "r" * 63
    assert len(second(longest)) <= 63
    assert second(longest) != second("r" * 62 + "s")


@pytest.mark.parametrize("fewer", [{"logins": 1}, {"own": 0}])
def test_settings_that_say_less_are_refused_in_one_line(fewer: dict[str, int]) -> None:
    old = {"service": "user", "logins": 2, "changing": False, "own": 1}
    failures = _Provider().check(old, {**old, **fewer}).failures
    assert [one.property for one in failures] == list(fewer)
    assert "numbers only go up" in failures[0].reason
    assert _Provider().check(old, {**old, "logins": 3}).failures == []
