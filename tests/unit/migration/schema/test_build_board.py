"""What is handed out to builders: only tables that are ready, never two tasks of which one would wait."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.catalog.ddl_statement import Statement
from migration.schema.build import Board, Task

pytestmark = pytest.mark.unit

OIDS = st.frozensets(st.integers(1, 4), max_size=2)


def task(number: int, shares: frozenset[int], excludes: frozenset[int]) -> Task:
    return Task(Statement(f"i{number}", "INDEX", (0, 0), f"text {number}"), number, shares, excludes)


@given(st.lists(st.tuples(OIDS, OIDS), max_size=12), st.permutations([1, 2, 3, 4]), st.integers(1, 3))
def test_all_are_handed_out_once_their_tables_are_ready(
    locks: list[tuple[frozenset[int], frozenset[int]]], order: list[int], workers: int
) -> None:
    tasks = [task(number, *one) for number, one in enumerate(locks)]
    board = Board(tasks, ready=())
    ready: set[int] = set()
    running: list[Task] = []
    done: list[Task] = []
    for oid in order:
        board.ready(oid)
        ready.add(oid)
        while ready_ones(tasks, [*running, *done], ready, running) and len(running) < workers:
            taken = board.take()
            assert taken is not None
            assert taken.shares | taken.excludes <= ready
            assert not any(taken.conflicts(other) for other in running)
            running.append(taken)
            if len(running) == workers:
                board.finish(running[0])
                done.append(running.pop(0))
    while running:
        board.finish(running[0])
        done.append(running.pop(0))
    board.all_ready()
    while (taken := board.take()) is not None:
        board.finish(taken)
        done.append(taken)
    assert sorted(done, key=lambda one: one.cost) == tasks
    assert board.empty


def ready_ones(tasks: list[Task], gone: list[Task], ready: set[int], running: list[Task]) -> list[Task]:
    """What may be taken now."""
    return [
        one
        for one in tasks
        if one not in gone
        and one.shares | one.excludes <= ready
        and not any(one.conflicts(other) for other in running)
    ]


def test_who_waits_for_a_table_is_let_go_when_nothing_more_is_done() -> None:
    board = Board([task(1, frozenset({7}), frozenset())], ready=())
    found: list[Task | None] = []
    waiting = threading.Thread(target=lambda: found.append(board.take()))
    waiting.start()
    board.close()
    waiting.join(30)
    assert found == [None]
    assert board.closed
    assert board.rest(20.0), "whoever rests is woken"
