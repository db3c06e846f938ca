"""The screen of `watch`, as it is drawn: golden files; WAQITI_WRITE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rich.console import Console

from operations.watch.look import Alarm, Picture, ServiceLook
from operations.watch.rates import rates
from operations.watch.screen import age, screen, size

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parent / "golden"
ROW = {
    "connections": 12,
    "max_connections": 100,
    "locks": 0,
    "transactions": 1000,
    "hits": 9900,
    "reads": 100,
    "deadlocks": 0,
    "kept_bytes": 16 * 2**20,
}
FIGURES = {
    "gateway_up": 1.0, "gateway_paused": 0.0, "gateway_longest_wait_seconds": 0.0,
    "gateway_transactions_total": 1000.0, "gateway_transaction_seconds_total": 1.0,
    "backup_supervisor_up": 1.0, "backup_receiver_up": 1.0, "backup_age_seconds": 11_000.0,
    "disk_free_bytes": 40.0, "disk_size_bytes": 100.0, "certificate_days_left": 700.0,
}  # fmt: skip


def look(name: str, passed: int = 0, **changes: float) -> ServiceLook:
    """A service that is well, after so many transactions more."""
    row = {
        **ROW,
        "transactions": 1000 + passed,
        "hits": ROW["hits"] + 100 * passed,
        "reads": ROW["reads"] + passed,
    }
    figures = {
        **FIGURES,
        "gateway_transactions_total": 1000.0 + passed,
        "gateway_transaction_seconds_total": 1.0 + passed * 0.0012,
        **changes,
    }
    statements = {
        (1, 10): (1000 + 9 * passed, 1000.0 + 9 * passed * 0.8, 0.2),
        (2, 10): (100 + passed, 2000.0 + passed * 24.0, 3.0),
    }
    return ServiceLook(name, None, row, figures, "moved", "own", statements)


def drawn(before: Picture | None, now: Picture) -> str:
    console = Console(width=80, record=True, file=open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    console.print(screen(now, rates(before, now), 80))
    console.file.close()
    return "\n".join(line.rstrip() for line in console.export_text().splitlines()) + "\n"


def golden(name: str, text: str) -> None:
    file = GOLDEN / f"watch-{name}.txt"
    if os.environ.get("WAQITI_WRITE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) <= 80


NAMES = ("user", "payment", "wallet", "ledger", "compliance", "analytics", "security", "notification")


def test_eight_services_that_are_well() -> None:
    before = Picture("waqiti-prod", 1.8e9, 10.0, tuple(look(name) for name in NAMES), (), 29)
    now = Picture(
        "waqiti-prod", 1.8e9 + 2, 12.0, tuple(look(name, 500 * i) for i, name in enumerate(NAMES)), (), 29
    )
    golden("well", drawn(before, now))


def test_services_that_are_not() -> None:
    down = ServiceLook(
        "payment",
        "cannot connect to payment's own database at postgres-payment:15434/waqiti_payments: refused",
        {},
        {"gateway_up": 0.0, "backup_supervisor_up": 0.0},
        None,
        "own",
    )
    paused = look("user", 0, gateway_paused=1.0, gateway_longest_wait_seconds=93.0, disk_free_bytes=4.0)
    alarms = (
        Alarm("GatewayPaused", "user", "critical", "user: its gateway is paused, so that its clients wait"),
        Alarm("LockWaits", "user", "warning", "user: 3 sessions wait for locks, for a minute by now"),
    )
    now = Picture("waqiti-prod", 1.8e9, 10.0, (paused, down), alarms, 29)
    golden("wrong", drawn(None, now))


def test_a_stack_that_nobody_watches_says_so() -> None:
    picture = Picture("waqiti-dev", 1.8e9, 10.0, (look("user"),), None)
    assert "alarms: nobody watches" in drawn(None, picture)


def test_a_server_that_was_started_anew_has_no_rate() -> None:
    before = Picture("waqiti-dev", 1.8e9, 10.0, (look("user", 500),), ())
    now = Picture("waqiti-dev", 1.8e9, 12.0, (look("user"),), ())
    assert rates(before, now)["user"].transactions is None


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0"), (812, "812"), (1536, "1.5k"), (40 * 2**20, "40M"), (3 * 2**40, "3T")]
)
def test_sizes_are_short(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-3, "0s"), (59, "59s"), (300, "5m"), (7200, "2h"), (1e6, "12d")]
)
def test_ages_are_short(seconds: float, text: str) -> None:
    assert age(seconds) == text
