"""What looks at a follower say of the rate above which it falls behind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.replicate.headroom import Look, headroom

pytestmark = pytest.mark.unit

SHARES = st.lists(st.booleans(), min_size=2, max_size=50)


def looks(applying: list[bool | None], rate: float, growth: float = 0.0) -> list[Look]:
    """A look a second, while so many bytes a second are written and so many of them stay behind."""
    return [Look(float(i), rate * i, 100.0 + growth * i, one, False) for i, one in enumerate(applying)]


def test_who_works_a_quarter_of_the_time_has_room_for_four_times() -> None:
    found = headroom(looks([True, False, False, False], 1000.0))
    assert (found.written, found.busy, found.wall) == (1000.0, 0.25, 4000.0)
    assert str(found) == (
        "1 kB/s of WAL; applying 25% of the time, decoding 0% of the time, room for about 4 kB/s"
    )


def test_one_that_always_works_and_falls_behind_does_less_than_is_written() -> None:
    found = headroom(looks([True, True, True], 1000.0, growth=400.0))
    assert (found.busy, found.wall, found.falling_behind) == (1.0, 600.0, 400.0)


def test_one_that_catches_up_does_more_than_is_written() -> None:
    assert headroom(looks([True, True], 1000.0, growth=-500.0)).wall == 1500.0


def test_what_cannot_be_seen_is_not_guessed() -> None:
    found = headroom([Look(0.0, 0.0, 0.0, None, None), Look(1.0, 10.0, 0.0, None, None)])
    assert found.busy is None
    assert found.wall is None
    assert "cannot be seen" in str(found)


def test_an_idle_follower_has_no_known_limit() -> None:
    assert headroom(looks([False, False], 0.0)).wall is None


@given(SHARES, st.floats(1.0, 1e9), st.floats(0.0, 1.0))
def test_the_wall_is_never_below_what_is_applied_now(seen: list[bool], rate: float, lost: float) -> None:
    found = headroom(looks(list(seen), rate, growth=rate * lost))
    applied = rate * (1 - lost)
    assert found.wall is None or found.wall >= applied - rate * 1e-6
