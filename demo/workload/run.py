"""A payments company at work: business transactions through the services' endpoints, at a steady rate.

    summary = Workload(contract, folder, rate=100).run(seconds=60)

or `.start()` and later `.stop()`. The rate is an open loop: transactions start when they are due and
not when the last one is done, so a pause shows up as waiting, not as less to do.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from components.contract import Contract
from demo.workload.business_journal import KINDS, BusinessJournal, BusinessTransaction, Kind, read_journal
from demo.workload.service_client import ServiceClient, StatementFailed
from demo.workload.statement_log import ServiceFigures, Statement, StatementLog
from demo.workload.transactions import carry_out

MIX: dict[Kind, int] = {"register": 8, "fund": 15, "pay": 60, "refund": 7, "report": 10}
"""Of a hundred business transactions."""
WALLETS = 20_000
"""At most so many of the wallets that are there take part, and the new ones."""
REPEAT_AFTER = 0.25
"""Seconds before a transaction that failed half-way is repeated."""
GRACE = 15.0
"""Seconds that `stop` gives to transactions that failed half-way."""

STATEMENTS = "statements.csv"
JOURNAL = "journal.jsonl"


@dataclass(frozen=True)
class Summary:
    """What a workload did."""

    seconds: float
    done: dict[str, int]
    """Business transactions by kind."""
    declined: int
    unfinished: int
    """Begun, and not known to be finished; the next workload on the same journal repeats them."""
    services: dict[str, ServiceFigures]
    failures: list[tuple[Statement, str]]
    """The first failed statements with the server's message."""

    @property
    def transactions(self) -> int:
        """Business transactions that were finished."""
        return sum(self.done.values()) + self.declined

    @property
    def per_second(self) -> float:
        """Business transactions finished in a second."""
        return self.transactions / self.seconds if self.seconds else 0.0

    @property
    def failed_statements(self) -> int:
        """Statements that ended badly, serialization failures and deadlocks not counted."""
        return sum(figures.failed for figures in self.services.values())


class Workload:
    """Workers that carry out business transactions until they are stopped.

    `folder` gets the statement log and the business journal; a journal that is there already is
    continued, and what it left unfinished is repeated first. `rate` is in business transactions a
    second, None for as fast as possible. `seed` makes the choice of transactions repeatable; their ids
    are always new.
    """

    def __init__(
        self,
        contract: Contract,
        folder: Path,
        *,
        rate: float | None = 50.0,
        workers: int = 8,
        seed: int | None = None,
        keep_log: bool = True,
    ) -> None:
        self._contract = contract
        self._rate = rate
        self._workers = workers
        self._random = random.Random(seed)
        self._folder = folder
        self.log = StatementLog(folder / STATEMENTS if keep_log else None)
        self.journal = folder / JOURNAL
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._turn = 0
        self._counts: Counter[str] = Counter()
        self._errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self._wallets: list[tuple[int, int]] = []
        self._settled: deque[BusinessTransaction] = deque(maxlen=5000)
        self._again: deque[tuple[float, BusinessTransaction]] = deque()
        self._clients: dict[str, ServiceClient] = {}
        self._started = 0.0

    def start(self) -> None:
        """Connect, repeat what an earlier run left unfinished, and begin. Raises StatementFailed."""
        left = read_journal(self.journal).unfinished
        self._book = BusinessJournal(self.journal)
        for name, service in self._contract.services.items():
            size = min(self._workers, service.pool_maximum)
            self._clients[name] = ServiceClient(name, service.endpoint, service.login, size, self.log)
        try:
            self._find_wallets()
        except BaseException:
            self._close()
            raise
        self._again.extend((0.0, transaction) for transaction in left.values())
        self._started = time.monotonic()
        for number in range(self._workers):
            thread = threading.Thread(target=self._work, name=f"workload-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> Summary:
        """Let the workers finish what they are at, and sum up."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        seconds = time.monotonic() - self._started
        deadline = time.monotonic() + GRACE
        while self._again and time.monotonic() < deadline:
            _, transaction = self._again.popleft()
            if not self._try(transaction):
                time.sleep(REPEAT_AFTER)
        self._close()
        if self._errors:
            raise self._errors[0]
        return Summary(
            seconds=seconds,
            done={kind: self._counts[kind] for kind in KINDS},
            declined=self._counts["declined"],
            unfinished=len(self._again),
            services=self.log.figures(),
            failures=self.log.failures(),
        )

    def run(self, seconds: float, stop: threading.Event | None = None) -> Summary:
        """Start, go on for so long or until `stop` is set, and stop."""
        self.start()
        (stop or self._stop).wait(seconds)
        return self.stop()

    def transactions(self) -> int:
        """How many were finished so far."""
        with self._lock:
            return sum(self._counts.values())

    def _close(self) -> None:
        for client in self._clients.values():
            client.close()
        self.log.close()
        self._book.close()

    def _find_wallets(self) -> None:
        """Wallets that have their ledger account, with their users: asked of each service apart."""
        accounts = self._clients["ledger"].single(
            "read accounts",
            "SELECT wallet_id FROM ledger_schema.accounts WHERE wallet_id IS NOT NULL"
            " ORDER BY wallet_id LIMIT %s",
            (WALLETS,),
        )
        wallets = self._clients["wallet"].single(
            "read wallets",
            "SELECT id, user_id FROM wallet_schema.wallets WHERE id = ANY(%s)",
            ([wallet for (wallet,) in accounts],),
        )
        self._wallets = [(int(wallet), int(user)) for wallet, user in wallets]

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                transaction = self._next()
                if transaction is None:
                    return
                self._try(transaction)
        except Exception as error:  # noqa: BLE001 - stop() raises it in the caller's thread
            self._errors.append(error)
            self._stop.set()

    def _next(self) -> BusinessTransaction | None:
        """Wait until the next transaction is due; one that has to be repeated goes first."""
        with self._lock:
            turn, self._turn = self._turn, self._turn + 1
        if self._rate is not None:
            wait = self._started + turn / self._rate - time.monotonic()
            if wait > 0 and self._stop.wait(wait):
                return None
        with self._lock:
            if self._again and self._again[0][0] <= time.monotonic():
                return self._again.popleft()[1]
            transaction = self._choose()
        self._book.begin(transaction)
        return transaction

    def _choose(self) -> BusinessTransaction:
        choose = self._random
        kind = choose.choices(list(MIX), weights=list(MIX.values()))[0]
        identity = uuid4()
        if kind == "refund" and not self._settled:
            kind = "pay"
        if kind == "register":
            return BusinessTransaction(identity, kind, {})
        if kind == "refund":
            paid = self._settled.popleft()
            values = {name: value for name, value in paid.values.items() if name != "note"}
            return BusinessTransaction(identity, kind, {**values, "payment": str(paid.id)})
        (wallet, user), (other_wallet, other_user) = choose.sample(self._wallets, 2)
        amount = choose.randint(100, 5000)
        if kind == "pay":
            return BusinessTransaction(
                identity, kind,
                {"payer": user, "payee": other_user, "payer_wallet": wallet, "payee_wallet": other_wallet,
                 "cents": amount, "note": choose.choice(("lunch", "", "café ☕", "rent "))},
            )  # fmt: skip
        return BusinessTransaction(identity, kind, {"user": user, "wallet": wallet, "cents": amount * 10})

    def _try(self, transaction: BusinessTransaction) -> bool:
        try:
            ending, found = carry_out(self._clients, transaction)
        except StatementFailed:
            with self._lock:
                self._again.append((time.monotonic() + REPEAT_AFTER, transaction))
            return False
        self._book.end(transaction, ending)
        with self._lock:
            self._counts[transaction.kind if ending == "done" else "declined"] += 1
            if ending == "done" and transaction.kind == "pay":
                self._settled.append(transaction)
            if found:
                self._wallets.append((found["wallet"], found["user"]))
        return True
