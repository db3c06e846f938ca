"""Turns of a copy and of the builds beside it: never more than workers, the largest that waits first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration.copy.turns import Turns

pytestmark = pytest.mark.unit


def never() -> bool:
    return False


@settings(max_examples=20)
@given(st.integers(1, 4), st.lists(st.integers(0, 9), min_size=1, max_size=20))
def test_no_more_are_at_work_than_there_are_turns(number: int, costs: list[int]) -> None:
    turns, lock = Turns(number), threading.Lock()
    at_once = most = 0

    def work(cost: int) -> bool:
        nonlocal at_once, most
        with turns.one(cost, never) as taken:
            with lock:
                at_once += 1
                most = max(most, at_once)
            time.sleep(0.0005)
            with lock:
                at_once -= 1
        return taken

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, costs))
    assert most <= number


def test_the_largest_of_those_that_wait_is_next() -> None:
    turns, began = Turns(1), []

    def work(cost: int) -> None:
        with turns.one(cost, never):
            began.append(cost)

    with ThreadPoolExecutor(4) as pool, turns.one(0, never):
        for cost in (3, 9, 1, 5):
            pool.submit(work, cost)
        until(lambda: len(turns._waiting) == 4)
    assert began == [9, 5, 3, 1]


def test_builds_leave_half_of_the_turns_to_the_copy_until_it_ends() -> None:
    turns, at_work = Turns(3), []
    end = threading.Event()

    def build(number: int) -> None:
        with turns.one(9, never, beside=True):
            at_work.append(number)
            end.wait(30)

    with ThreadPoolExecutor(4) as pool:
        for number in range(4):
            pool.submit(build, number)
        until(lambda: len(at_work) == 1 and len(turns._waiting) == 3)
        with turns.one(0, never) as first, turns.one(0, never) as second:
            assert first
            assert second
        turns.copied()
        until(lambda: len(at_work) == 3)
        end.set()
    assert sorted(at_work) == [0, 1, 2, 3]


def test_one_worker_alone_copies_before_it_builds() -> None:
    turns, over = Turns(1), threading.Event()
    with ThreadPoolExecutor(1) as pool:

        def build() -> bool:
            with turns.one(9, over.is_set, beside=True) as taken:
                return taken

        waiting = pool.submit(build)
        until(lambda: len(turns._waiting) == 1)
        with turns.one(1, never) as taken:
            assert taken
        assert not waiting.done()
        turns.copied()
        assert waiting.result(30)


def test_who_is_told_that_it_is_over_gets_no_turn_and_keeps_none() -> None:
    turns, over = Turns(1), threading.Event()
    with turns.one(0, never), ThreadPoolExecutor(1) as pool:

        def wait() -> bool:
            with turns.one(7, over.is_set) as taken:
                return taken

        waiting = pool.submit(wait)
        until(lambda: len(turns._waiting) == 1)
        over.set()
        assert waiting.result() is False
    with turns.one(0, never) as taken:
        assert taken


def test_a_turn_is_given_back_by_who_fails() -> None:
    turns = Turns(1)
    with pytest.raises(ValueError, match="meant"), turns.one(0, never):
        raise ValueError("meant")
    with turns.one(0, never) as taken:
        assert taken


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)
