"""The invariants hold from the start, and each is noticed when it is broken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString
from uuid import uuid4

import pytest

from core.sessions.connections import Database
from demo.workload.business_journal import BusinessJournal, BusinessTransaction
from demo.workload.invariants import check_invariants
from tests.support.clusters import Clusters
from tests.support.demo_database import demo_contract, demo_database

pytestmark = pytest.mark.integration

SEEDED: dict[str, LiteralString] = {
    "the postings of an entry sum to zero": "UPDATE ledger_schema.postings SET amount = amount + 0.0001 WHERE"
    " id = (SELECT max(id) FROM ledger_schema.postings)",
    "an entry has at least two postings": "INSERT INTO ledger_schema.entries (business_id, kind)"
    " VALUES (gen_random_uuid(), 'fund')",
    "an account's balance equals its postings": "UPDATE ledger_schema.accounts SET balance = balance - 1"
    " WHERE wallet_id = 7",
    "a posting has its account and its entry": "DELETE FROM ledger_schema.accounts WHERE wallet_id = 7",
    "a business transaction is booked once": "ALTER TABLE ledger_schema.entries"
    " DROP CONSTRAINT entries_business_id_key;"
    " INSERT INTO ledger_schema.entries (business_id, kind)"
    " SELECT business_id, kind FROM ledger_schema.entries WHERE id = 3",
    "a wallet's balance equals its movements": "UPDATE wallet_schema.wallets"
    " SET balance = balance + 1 WHERE id = 5",
    "a wallet moves once for a business transaction": "ALTER TABLE wallet_schema.movements"
    " DROP CONSTRAINT movements_once;"
    " INSERT INTO wallet_schema.movements (wallet_id, business_id, kind, amount)"
    " SELECT wallet_id, business_id, kind, amount FROM wallet_schema.movements WHERE id = 1",
    "payments and refunds only move money": "DELETE FROM wallet_schema.movements WHERE id ="
    " (SELECT max(id) FROM wallet_schema.movements)",
    "no wallet is overdrawn": "ALTER TABLE wallet_schema.wallets DROP CONSTRAINT never_overdrawn;"
    " UPDATE wallet_schema.wallets SET balance = -1 WHERE id = 5",
    "a payment is there once": "ALTER TABLE payment_schema.payments DROP CONSTRAINT payments_pkey CASCADE;"
    " INSERT INTO payment_schema.payments (id, payer_id, payee_id, payer_wallet_id, payee_wallet_id,"
    " amount, currency)"
    " SELECT id, payer_id, payee_id, payer_wallet_id, payee_wallet_id, amount, currency"
    " FROM payment_schema.payments LIMIT 1",
    "a refunded payment has its settled refund, and the other way round": "DELETE FROM payment_schema.refunds"
    " WHERE id = (SELECT id FROM payment_schema.refunds LIMIT 1)",
    "a customer is there once": "ALTER TABLE user_schema.users DROP CONSTRAINT users_public_id_key;"
    " INSERT INTO user_schema.users (public_id, handle, email)"
    " SELECT public_id, 'another', 'another@example.com' FROM user_schema.users WHERE id = 1",
    "an action is audited once": "INSERT INTO security_schema.audit_events (business_id, actor, action)"
    " SELECT '00000000-0000-0000-0000-000000000001', 'demo', 'pay' FROM generate_series(1, 2)",
    "a settled payment or refund has its ledger entry, of the same amount": "UPDATE payment_schema.payments"
    " SET amount = amount + 1 WHERE number = (SELECT max(number) FROM payment_schema.payments"
    " WHERE state = 'settled')",
    "a ledger entry has its wallet movements, of the same amount": "DELETE FROM wallet_schema.movements"
    " WHERE business_id = (SELECT business_id FROM ledger_schema.entries WHERE id = 3)",
}
"""An invariant, and what breaks it."""


@pytest.fixture
def shared(clusters: Clusters) -> Iterator[Database]:
    with demo_database(clusters.get("source", 17)) as database:
        yield database


def seed(database: Database, fault: LiteralString) -> None:
    """Break something, past triggers and keys."""
    with database.connect() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(fault)


def test_all_invariants_hold_from_the_start(shared: Database) -> None:
    assert check_invariants(demo_contract(shared)) == []


@pytest.mark.parametrize("invariant", SEEDED)
def test_a_broken_invariant_is_named_with_what_breaks_it(shared: Database, invariant: str) -> None:
    seed(shared, SEEDED[invariant])
    violations = {violation.invariant: violation for violation in check_invariants(demo_contract(shared))}
    assert violations[invariant].ids


@pytest.mark.parametrize("kind", ["fund", "pay", "refund", "register", "report"])
def test_what_was_recorded_as_done_and_is_not_there_is_named(
    shared: Database, tmp_path: Path, kind: str
) -> None:
    journal = BusinessJournal(tmp_path / "journal.jsonl")
    lost = BusinessTransaction(uuid4(), kind, {"cents": 100, "user": 1, "wallet": 1})  # type: ignore[arg-type]
    journal.begin(lost)
    journal.end(lost, "done")
    named = {
        one for violation in check_invariants(demo_contract(shared), journal.path) for one in violation.ids
    }
    assert named == {str(lost.id)}
