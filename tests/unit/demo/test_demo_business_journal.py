"""What the workload notes about its business transactions, and what is read back."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from demo.workload.business_journal import BusinessJournal, BusinessTransaction, read_journal

pytestmark = pytest.mark.unit


def pay(cents: int = 100) -> BusinessTransaction:
    return BusinessTransaction(uuid4(), "pay", {"payer_wallet": 1, "payee_wallet": 2, "cents": cents})


def test_what_has_begun_and_not_ended_is_unfinished(tmp_path: Path) -> None:
    journal = BusinessJournal(tmp_path / "journal.jsonl")
    begun, done, declined = pay(), pay(), pay()
    for transaction in (begun, done, declined):
        journal.begin(transaction)
    journal.end(done, "done")
    journal.end(declined, "declined")
    contents = read_journal(journal.path)
    assert (set(contents.unfinished), set(contents.done), set(contents.declined)) == (
        {begun.id},
        {done.id},
        {declined.id},
    )


def test_a_transaction_is_read_back_with_all_that_repeating_it_needs(tmp_path: Path) -> None:
    journal = BusinessJournal(tmp_path / "journal.jsonl")
    transaction = pay(4321)
    journal.begin(transaction)
    assert read_journal(journal.path).unfinished[transaction.id] == transaction


def test_a_line_that_was_cut_off_is_left_out_and_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    first, second = pay(), pay()
    BusinessJournal(path).begin(first)
    with path.open("ab") as file:
        file.write(b'{"time":1,"event":"beg')
    BusinessJournal(path).begin(second)
    assert set(read_journal(path).unfinished) == {first.id, second.id}


def test_a_journal_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert not read_journal(tmp_path / "none").unfinished
