"""The queries of the invariants; each names tables of one service only."""

from __future__ import annotations

from typing import LiteralString

WITHIN: tuple[tuple[str, str, LiteralString], ...] = (
    (
        "ledger", "the postings of an entry sum to zero",
        "SELECT entry_id FROM ledger_schema.postings GROUP BY entry_id HAVING sum(amount) <> 0",
    ),
    (
        "ledger", "an entry has at least two postings",
        "SELECT e.business_id FROM ledger_schema.entries e"
        " LEFT JOIN ledger_schema.postings p ON p.entry_id = e.id"
        " GROUP BY e.id HAVING count(p.id) < 2",
    ),
    (
        "ledger", "an account's balance equals its postings",
        "SELECT a.id FROM ledger_schema.accounts a LEFT JOIN (SELECT account_id, sum(amount) AS total"
        " FROM ledger_schema.postings GROUP BY account_id) p ON p.account_id = a.id"
        " WHERE a.balance <> coalesce(p.total, 0)",
    ),
    (
        "ledger", "a posting has its account and its entry",
        "SELECT p.id FROM ledger_schema.postings p LEFT JOIN ledger_schema.accounts a ON a.id = p.account_id"
        " LEFT JOIN ledger_schema.entries e ON e.id = p.entry_id WHERE a.id IS NULL OR e.id IS NULL",
    ),
    (
        "ledger", "a business transaction is booked once",
        "SELECT business_id FROM ledger_schema.entries GROUP BY business_id HAVING count(*) > 1",
    ),
    (
        "wallet", "a wallet's balance equals its movements",
        "SELECT w.id FROM wallet_schema.wallets w LEFT JOIN (SELECT wallet_id, sum(amount) AS total"
        " FROM wallet_schema.movements GROUP BY wallet_id) m ON m.wallet_id = w.id"
        " WHERE w.balance <> coalesce(m.total, 0)",
    ),
    (
        "wallet", "a wallet moves once for a business transaction",
        "SELECT business_id FROM wallet_schema.movements GROUP BY business_id, wallet_id HAVING count(*) > 1",
    ),
    (
        "wallet", "payments and refunds only move money",
        "SELECT business_id FROM wallet_schema.movements WHERE kind IN ('payment', 'refund')"
        " GROUP BY business_id HAVING sum(amount) <> 0 OR count(*) <> 2",
    ),
    ("wallet", "no wallet is overdrawn", "SELECT id FROM wallet_schema.wallets WHERE balance < 0"),
    (
        "payment", "a payment is there once",
        "SELECT id FROM payment_schema.payments GROUP BY id HAVING count(*) > 1",
    ),
    (
        "payment", "a refunded payment has its settled refund, and the other way round",
        "SELECT coalesce(p.id, r.payment_id)"
        " FROM (SELECT id FROM payment_schema.payments WHERE state = 'refunded') p FULL JOIN"
        " (SELECT payment_id FROM payment_schema.refunds WHERE state = 'settled') r ON r.payment_id = p.id"
        " WHERE p.id IS NULL OR r.payment_id IS NULL",
    ),
    (
        "user", "a customer is there once",
        "SELECT public_id FROM user_schema.users GROUP BY public_id HAVING count(*) > 1",
    ),
    (
        "security", "an action is audited once",
        "SELECT business_id FROM security_schema.audit_events WHERE actor = 'demo'"
        " GROUP BY business_id, action HAVING count(*) > 1",
    ),
)  # fmt: skip
"""Service, what holds, and a query for the ids of those for which it does not."""

SETTLED: LiteralString = (
    "SELECT id, amount FROM payment_schema.payments WHERE state IN ('settled', 'refunded')"
    " UNION ALL SELECT id, amount FROM payment_schema.refunds WHERE state = 'settled'"
)
BOOKED: LiteralString = (
    "SELECT e.business_id, max(p.amount) FROM ledger_schema.entries e"
    " JOIN ledger_schema.postings p ON p.entry_id = e.id GROUP BY e.business_id"
)
MOVED: LiteralString = "SELECT business_id, max(amount) FROM wallet_schema.movements GROUP BY business_id"
