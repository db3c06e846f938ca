"""The journal in a real database: what it keeps, who may write it, and what a crash leaves."""

from __future__ import annotations

import threading

import psycopg
import pytest

from core.errors import AnotherOperator, ConnectionLost, WrongState
from core.sessions.connections import Database
from migration.journal.journal import open_journal, read_moves, read_steps
from tests.support.contracts import make_contract, make_service

pytestmark = pytest.mark.integration

USER = make_service("user")


def test_a_database_without_a_journal_has_no_moves(source_database: Database) -> None:
    with source_database.connect() as connection:
        assert read_moves(connection) == []


def test_a_step_is_visible_to_others_before_it_has_ended(source_database: Database) -> None:
    contract = make_contract(source_database, [USER])
    with open_journal(source_database, contract) as journal, source_database.connect() as other:
        move = journal.start(USER, "offline", "started")
        record = journal.begin(move, "copy", {"tables": 3})
        (step,) = read_steps(other, move)
        assert (step.id, step.step, step.outcome, step.figures) == (record, "copy", None, {"tables": 3})


def test_an_ended_step_keeps_its_outcome_figures_and_position(source_database: Database) -> None:
    contract = make_contract(source_database, [USER])
    with open_journal(source_database, contract) as journal:
        move = journal.start(USER, "offline", "started")
        journal.end(journal.begin(move, "copy", {"tables": 3}), "done", {"rows": 7})
        (step,) = journal.steps(move)
    assert step.outcome == "done"
    assert step.figures == {"tables": 3, "rows": 7}
    assert step.lsn is not None
    assert step.finished is not None
    assert step.finished >= step.started


def test_a_record_that_need_not_be_durable_is_visible_all_the_same(source_database: Database) -> None:
    contract = make_contract(source_database, [USER])
    with open_journal(source_database, contract) as journal, source_database.connect() as other:
        move = journal.start(USER, "offline", "started")
        journal.end(journal.begin(move, "pause", durable=False), "done", durable=False)
        assert read_steps(other, move)[0].outcome == "done"


def test_a_failed_step_keeps_the_error_without_a_password(source_database: Database) -> None:
    contract = make_contract(source_database, [USER])
    secret = source_database.login.password.get_secret_value()
    with open_journal(source_database, contract) as journal:
        move = journal.start(USER, "offline", "started")
        journal.end(journal.begin(move, "copy"), "failed", error=ValueError(f"password={secret}"))
        (step,) = journal.steps(move)
    assert step.error == "ValueError: password=***"


def test_a_service_has_one_open_move_at_a_time(source_database: Database) -> None:
    contract = make_contract(source_database, [USER])
    with open_journal(source_database, contract) as journal:
        journal.start(USER, "offline", "started")
        with pytest.raises(WrongState, match="a move of user is under way"):
            journal.start(USER, "offline", "started")


def test_a_move_that_is_over_leaves_room_for_the_next(source_database: Database) -> None:
    contract = make_contract(source_database, [USER])
    with open_journal(source_database, contract) as journal:
        first = journal.start(USER, "offline", "started")
        assert journal.set_state(first, "given up", over=True).finished is not None
        assert journal.start(USER, "offline", "started").id > first.id


def test_the_journal_is_still_there_for_the_next_run(source_database: Database) -> None:
    contract = make_contract(source_database, [USER])
    with open_journal(source_database, contract) as journal:
        journal.start(USER, "offline", "started")
    with open_journal(source_database, contract) as journal:
        move = journal.last_move("user")
    assert move is not None
    assert (move.state, move.stack) == ("started", "waqiti/test")


def test_a_second_operator_is_told_who_holds_the_lock(source_database: Database) -> None:
    contract = make_contract(source_database, [USER])
    holder = r"@.* pid \d+, from .*, since \d{4}-"
    with (
        open_journal(source_database, contract),
        pytest.raises(AnotherOperator, match=holder),
        open_journal(source_database, contract),
    ):
        pass


def test_two_operators_that_come_at_once_do_not_both_get_in(source_database: Database) -> None:
    contract = make_contract(source_database, [USER])
    inside = threading.Semaphore(0)
    leave = threading.Event()
    refused: list[AnotherOperator] = []

    def operate() -> None:
        try:
            with open_journal(source_database, contract):
                inside.release()
                leave.wait(10)
        except AnotherOperator as error:
            refused.append(error)
            leave.set()

    threads = [threading.Thread(target=operate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert inside.acquire(timeout=0)
    assert not inside.acquire(timeout=0)
    assert len(refused) == 1


def test_nothing_is_recorded_once_the_lock_was_lost(source_database: Database) -> None:
    contract = make_contract(source_database, [USER])
    with open_journal(source_database, contract) as journal, source_database.connect() as other:
        move = journal.start(USER, "offline", "started")
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name LIKE 'waqiti-migration operator%' AND datname = current_database()"
        )
        with pytest.raises(ConnectionLost):
            journal.begin(move, "copy")


def test_a_journal_of_a_newer_program_is_left_alone(source_database: Database) -> None:
    contract = make_contract(source_database, [USER])
    with open_journal(source_database, contract):
        pass
    with source_database.connect() as connection:
        connection.execute("INSERT INTO waqiti_migration.journal_versions (version) VALUES (99)")
    with pytest.raises(WrongState, match="version 99"), open_journal(source_database, contract):
        pass


def test_other_roles_cannot_read_the_journal(source_database: Database) -> None:
    contract = make_contract(source_database, [USER])
    with open_journal(source_database, contract):
        pass
    with source_database.connect(autocommit=False) as connection:
        connection.execute("CREATE ROLE journal_stranger")
        connection.execute("SET LOCAL ROLE journal_stranger")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT FROM waqiti_migration.moves")
        connection.rollback()
