"""The business transactions, as the services carry them out.

None is a distributed transaction: each service commits for itself, in this order, and every step can
be repeated with the same business id without doing anything twice. So a lost connection or a crash,
after which nobody knows what was committed, is answered by trying the whole again:

    payment 'pending' -> wallets moved -> ledger entry -> payment 'settled' -> audit, notice, event

No statement names a table of another service's schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from uuid import UUID

from psycopg.types.json import Jsonb

from demo.workload.business_journal import BusinessTransaction, Ending, Kind
from demo.workload.service_client import ServiceClient, Session

HOUSE_ACCOUNT = 1
"""The ledger's account for money that comes from outside."""

Clients = Mapping[str, ServiceClient]


class Declined(Exception):
    """The business turned it down (too little money, already refunded); nothing of it remains."""


def carry_out(clients: Clients, transaction: BusinessTransaction) -> tuple[Ending, dict[str, int]]:
    """Try or repeat one business transaction.

    Returns how it ended, and what became known on the way (a registration's `user` and `wallet`).
    Raises StatementFailed when a step ended badly: repeat it later.
    """
    try:
        found = _STEPS[transaction.kind](clients, transaction)
    except Declined:
        return "declined", {}
    _record(clients, transaction)
    return "done", found


def cents(transaction: BusinessTransaction) -> Decimal:
    """The amount in major units."""
    return Decimal(transaction.number("cents")) / 100


def _register(clients: Clients, it: BusinessTransaction) -> dict[str, int]:
    handle = f"new_{it.id.hex[:16]}"

    def user(session: Session) -> int:
        rows = session.execute(
            "insert user",
            "INSERT INTO user_schema.users (public_id, handle, email, country) VALUES (%s, %s, %s, 'GB')"
            " ON CONFLICT (public_id) DO NOTHING RETURNING id",
            (it.id, handle, f"{handle}@example.org"),
        ) or session.execute("find user", "SELECT id FROM user_schema.users WHERE public_id = %s", (it.id,))
        session.execute(
            "insert credentials",
            "INSERT INTO user_schema.credentials (user_id, password_hash) VALUES (%s, %s)"
            " ON CONFLICT (user_id) DO NOTHING",
            (rows[0][0], it.id.hex),
        )
        return int(rows[0][0])

    user_id = clients["user"].transaction(user)

    def wallet(session: Session) -> int:
        rows = session.execute(
            "insert wallet",
            "INSERT INTO wallet_schema.wallets (user_id, public_id, currency) VALUES (%s, %s, 'USD')"
            " ON CONFLICT (public_id) DO NOTHING RETURNING id",
            (user_id, it.id),
        ) or session.execute(
            "find wallet", "SELECT id FROM wallet_schema.wallets WHERE public_id = %s", (it.id,)
        )
        return int(rows[0][0])

    wallet_id = clients["wallet"].transaction(wallet)
    clients["ledger"].single(
        "insert account",
        "INSERT INTO ledger_schema.accounts (parent_id, wallet_id, code, class, currency)"
        " VALUES (2, %s, %s, 'liability', 'USD') ON CONFLICT (wallet_id) DO NOTHING",
        (wallet_id, f"W{wallet_id}"),
    )
    clients["compliance"].single(
        "insert case",
        "INSERT INTO compliance_schema.kyc_cases (id, user_id, risk) VALUES (%s, %s, 'low')"
        " ON CONFLICT (id) DO NOTHING",
        (it.id, user_id),
    )
    clients["notification"].single(
        "insert preferences",
        "INSERT INTO notification_schema.preferences (user_id, channels) VALUES (%s, '{email,push}')"
        " ON CONFLICT (user_id) DO NOTHING",
        (user_id,),
    )
    return {"user": user_id, "wallet": wallet_id}


def _fund(clients: Clients, it: BusinessTransaction) -> dict[str, int]:
    wallet = it.number("wallet")
    _move(clients, it, [(wallet, cents(it))])
    _post(clients, it, [(wallet, cents(it))], from_outside=True)
    return {}


def _pay(clients: Clients, it: BusinessTransaction) -> dict[str, int]:
    payer, payee, amount = it.number("payer_wallet"), it.number("payee_wallet"), cents(it)

    def pending(session: Session) -> None:
        fresh = session.count(
            "insert payment",
            "INSERT INTO payment_schema.payments (id, payer_id, payee_id, payer_wallet_id, payee_wallet_id,"
            " amount, currency, note) VALUES (%s, %s, %s, %s, %s, %s, 'USD', %s) ON CONFLICT (id) DO NOTHING",
            (it.id, it.number("payer"), it.number("payee"), payer, payee, amount, it.values["note"]),
        )
        if fresh:
            session.execute(
                "insert outbox",
                "INSERT INTO payment_schema.outbox (topic, payload) VALUES ('payment.pending', %s)",
                (Jsonb({"payment": str(it.id)}),),
            )

    clients["payment"].transaction(pending)
    try:
        _move(clients, it, [(payer, -amount), (payee, amount)])
    except Declined:
        _set_payment(clients, it.id, "failed", "pending")
        raise
    _post(clients, it, [(payer, -amount), (payee, amount)])
    _set_payment(clients, it.id, "settled", "pending")
    if it.id.int % 10 == 0:
        clients["compliance"].single(
            "insert alert",
            "INSERT INTO compliance_schema.alerts (user_id, payment_id, level) SELECT %s, %s, 'low'"
            " WHERE NOT EXISTS (SELECT FROM compliance_schema.alerts WHERE user_id = %s AND payment_id = %s)",
            (it.number("payer"), it.id, it.number("payer"), it.id),
        )
    return {}


def _refund(clients: Clients, it: BusinessTransaction) -> dict[str, int]:
    payer, payee, amount = it.number("payer_wallet"), it.number("payee_wallet"), cents(it)
    payment = UUID(str(it.values["payment"]))
    clients["payment"].single(
        "insert refund",
        "INSERT INTO payment_schema.refunds (id, payment_id, amount, reason) VALUES (%s, %s, %s, 'asked')"
        " ON CONFLICT (payment_id) DO NOTHING",
        (it.id, payment, amount),
    )
    mine = clients["payment"].single(
        "find refund", "SELECT id FROM payment_schema.refunds WHERE payment_id = %s", (payment,)
    )
    if mine != [(it.id,)]:
        raise Declined
    moved = [(payee, -amount), (payer, amount)]
    try:
        _move(clients, it, moved)
    except Declined:
        clients["payment"].single(
            "fail refund", "UPDATE payment_schema.refunds SET state = 'failed' WHERE id = %s", (it.id,)
        )
        raise
    _post(clients, it, moved)

    def settle(session: Session) -> None:
        session.count(
            "settle refund",
            "UPDATE payment_schema.refunds SET state = 'settled' WHERE id = %s AND state = 'pending'",
            (it.id,),
        )
        session.count(
            "refund payment",
            "UPDATE payment_schema.payments SET state = 'refunded' WHERE id = %s AND state = 'settled'",
            (payment,),
        )

    clients["payment"].transaction(settle)
    return {}


def _report(clients: Clients, it: BusinessTransaction) -> dict[str, int]:
    user, wallet = it.number("user"), it.number("wallet")
    clients["user"].single(
        "read profile", "SELECT handle, email FROM user_schema.active_users WHERE id = %s", (user,)
    )
    clients["wallet"].single(
        "read balance",
        "SELECT balance, wallet_schema.available(id) FROM wallet_schema.wallets WHERE id = %s",
        (wallet,),
    )
    paid = clients["payment"].single(
        "read payments",
        "SELECT number, total, state FROM payment_schema.payments WHERE payer_id = %s"
        " ORDER BY created_at DESC LIMIT 20",
        (user,),
    )
    clients["ledger"].single(
        "read postings",
        "SELECT p.posted_at, p.amount FROM ledger_schema.postings p JOIN ledger_schema.accounts a"
        " ON a.id = p.account_id WHERE a.wallet_id = %s ORDER BY p.id DESC LIMIT 20",
        (wallet,),
    )
    clients["compliance"].single(
        "match names", "SELECT * FROM compliance_schema.similar_names(%s)", ("Maria Person",)
    )
    # A view over two other services' tables: in its own database over replicas of them.
    clients["analytics"].single(
        "read overview",
        "SELECT country, currency, balance FROM analytics_schema.customer_overview WHERE id = %s",
        (user,),
    )
    clients["analytics"].single(
        "insert report",
        'INSERT INTO analytics_schema."Report Runs" ("Business Id", "Name", "Rows") VALUES (%s, %s, %s)'
        ' ON CONFLICT ("Business Id") DO NOTHING',
        (it.id, "statement", len(paid)),
    )
    return {}


def _move(clients: Clients, it: BusinessTransaction, changes: list[tuple[int, Decimal]]) -> None:
    """Change wallets by these amounts, once; Declined if one has too little."""

    def work(session: Session) -> None:
        for wallet, amount in sorted(changes):
            fresh = session.count(
                "insert movement",
                "INSERT INTO wallet_schema.movements (wallet_id, business_id, kind, amount)"
                " VALUES (%s, %s, %s::wallet_schema.movement_kind, %s)"
                " ON CONFLICT (business_id, wallet_id) DO NOTHING",
                (wallet, it.id, _movement_kind(it.kind), amount),
            )
            if not fresh:
                return
            moved = session.count(
                "update wallet",
                "UPDATE wallet_schema.wallets SET balance = balance + %s, version = version + 1"
                " WHERE id = %s AND balance + %s >= 0",
                (amount, wallet, amount),
            )
            if not moved:
                raise Declined

    clients["wallet"].transaction(work)


def _post(
    clients: Clients,
    it: BusinessTransaction,
    changes: list[tuple[int, Decimal]],
    *,
    from_outside: bool = False,
) -> None:
    """Write the ledger entry and its postings, once; a trigger keeps the accounts' balances."""

    def work(session: Session) -> None:
        rows = session.execute(
            "insert entry",
            "INSERT INTO ledger_schema.entries (business_id, kind) VALUES (%s, %s)"
            " ON CONFLICT (business_id) DO NOTHING RETURNING id",
            (it.id, _movement_kind(it.kind)),
        )
        if not rows:
            return
        if from_outside:
            session.count(
                "insert house posting",
                "INSERT INTO ledger_schema.postings (entry_id, account_id, amount) VALUES (%s, %s, %s)",
                (rows[0][0], HOUSE_ACCOUNT, -sum(amount for _, amount in changes)),
            )
        for wallet, amount in sorted(changes):
            posted = session.count(
                "insert posting",
                "INSERT INTO ledger_schema.postings (entry_id, account_id, amount)"
                " SELECT %s, id, %s FROM ledger_schema.accounts WHERE wallet_id = %s",
                (rows[0][0], amount, wallet),
            )
            if posted != 1:
                raise LookupError(f"wallet {wallet} has {posted} ledger accounts, not one")

    clients["ledger"].transaction(work)


def _set_payment(clients: Clients, payment: UUID, state: str, before: str) -> None:
    clients["payment"].single(
        f"payment {state}",
        "UPDATE payment_schema.payments SET state = %s::payment_schema.payment_state"
        " WHERE id = %s AND state = %s::payment_schema.payment_state",
        (state, payment, before),
    )


def _record(clients: Clients, it: BusinessTransaction) -> None:
    """What every business transaction leaves behind: an audit event, a notice, an event to count."""
    clients["security"].single(
        "record audit",
        "SELECT security_schema.record_audit(%s, %s, %s, %s)",
        (it.id, "demo", it.kind, Jsonb({"kind": it.kind})),
    )
    user = it.number("user") if "user" in it.values else it.number("payee") if "payee" in it.values else 1
    clients["notification"].single(
        "insert notification",
        "INSERT INTO notification_schema.notifications (channel, user_id, business_id, body)"
        " VALUES (%s, %s, %s, %s) ON CONFLICT (business_id, channel) DO NOTHING",
        (("email", "sms", "push", "letter")[it.id.int % 4], user, it.id, f"Your {it.kind} is done ✓"),
    )
    clients["analytics"].single(
        "insert event",
        "INSERT INTO analytics_schema.events (name, user_id, properties) VALUES (%s, %s, %s)",
        (f"{it.kind}.done", user, Jsonb({"business": str(it.id)})),
    )
    if it.kind == "report":
        clients["analytics"].single(
            "bump counter", "SELECT analytics_schema.bump(%s)", (f"counter {1 + it.id.int % 12}",)
        )


def _movement_kind(kind: Kind) -> str:
    return {"fund": "fund", "pay": "payment", "refund": "refund"}[kind]


_STEPS: dict[Kind, Callable[[Clients, BusinessTransaction], dict[str, int]]] = {
    "register": _register,
    "fund": _fund,
    "pay": _pay,
    "refund": _refund,
    "report": _report,
}
