"""Alarms of a real Prometheus over real exporters fire by their real causes, and clear when those end."""

from __future__ import annotations

import functools
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

import pytest

from components.monitoring.dashboards.build import queries
from components.monitoring.rules.every import all_alerts
from components.monitoring.settings import MonitoringSettings
from core.evidence.chain import read_chain
from migration.journal.mirror import Mirror
from operations.monitoring.figures.logins import keep_rotated
from operations.proof.results import Proof, keep_proof
from tests.support import causes, causes_of_business
from tests.support.clusters import Clusters
from tests.support.disks import small_disk
from tests.support.watched import SERVICE, Watched, watched_service

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

SETTINGS = MonitoringSettings(
    interval=1,
    hold=0.005,
    limits={
        "connections": 0.1,
        "slotWalBytes": 4e7,
        "transactionSeconds": 3,
        "transactionIds": 20_000,
        "gatewayWaitSeconds": 1,
        "gatewayClients": 0.2,
        "replicaSilentSeconds": 3,
        # Of ten years: a minute and a half. None is taken by itself, so none fails by another's cause.
        "backupAge": 90 / (3650 * 86_400),
        "switchSeconds": 3600,
    },
)
"""Limits that a test reaches in seconds; the rules are those of every stack."""

Cause = Callable[[Watched], AbstractContextManager[None]]
AT_WORK: dict[str, Cause] = {
    # First, so that it ends last: nothing is frozen while another's transaction is open.
    "Wraparound": causes.numbers_used_up,
    "ConnectionsOut": causes.connections_out,
    "LockWaits": causes.lock_waits,
    "LongTransaction": causes.lock_waits,
    "Deadlocks": causes.deadlock,
    "TransactionsFail": causes.rolled_back,
    "SlotHoldsWal": causes.slot_kept,
    "SlotWithoutReader": causes.slot_kept,
    "CheckpointPressure": causes.checkpoints,
    "GatewayClientsOut": causes.gateway_crowded,
    "GatewayPaused": causes.gateway_paused,
    "GatewayWaits": causes.gateway_paused,
    "CertificateShort": causes.certificate_short,
    "DiskFilled": causes.disk_filled,
    "ArchiveBroken": causes.archive_closed,
    "RotationOverdue": causes_of_business.logins_old,
}
ALONE: dict[str, Cause] = {"CacheLow": causes.cache_missed}
"""By itself: what the others' causes read is in the cache."""
UNATTENDED: dict[str, Cause] = {
    "BackupsUnattended": causes.nobody_backs_up,
    "BackupOld": causes.no_backup,
}
DOWN: dict[str, Cause] = {
    "InstanceDown": causes.instance_down,
    "GatewayDown": causes.gateway_down,
}
REFUSED: dict[str, Cause] = {"ReceiverDead": causes.receiver_refused}
"""These after the others: a backup that fails meanwhile is tried again minutes later."""
BLIND: dict[str, Cause] = {"NotWatched": causes.exporter_hangs}
NOT_CAUSED = {
    "ProofOld",
    "ProofFailed",
    "SwitchStuck",
    "SidesDiffer",
    "VerificationOld",
    "DiskWillFill",
}
"""Seen in promtool's tests of the rules alone: tests/unit/components/test_monitoring_rules.py."""
SEEN = {
    *AT_WORK,
    *ALONE,
    *UNATTENDED,
    *DOWN,
    *REFUSED,
    *BLIND,
    "ReplicaBehind",
    "OrphansFound",
    "BusinessDown",
}


@dataclass
class Found:
    """What came of all causes."""

    before: set[str] = field(default_factory=set)
    fired: dict[str, float] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    metrics: set[str] = field(default_factory=set)
    empty: dict[str, list[str]] = field(default_factory=dict)
    """Panels without data, and which of their queries finds none."""
    screen: str = ""
    """What `watch --once` shows while much is wrong."""
    document: dict[str, Any] = field(default_factory=dict)
    sized: dict[str, Any] = field(default_factory=dict)
    """What `size` says of it."""
    tried: dict[str, Any] = field(default_factory=dict)
    """What `alarms --try` says, and the last entry of the evidence."""


@pytest.fixture(scope="module")
def found(clusters: Clusters) -> Iterator[Found]:
    """All causes, those that can be together at once."""
    found, publisher = Found(), clusters.get("source", 17)
    policy = {"proof": "3650d"}
    with small_disk(20) as disk, watched_service(clusters, SETTINGS, data=disk, policy=policy) as watched:
        causes.prepare(watched)
        unfollow = causes_of_business.follow(watched, publisher)
        _tell_of_a_move(watched)
        causes.wait_until_gone(watched, SEEN, 30)  # what starting them has brought about
        found.before = watched.alarms()
        _cause(watched, AT_WORK, found, 60)
        _cause(watched, ALONE, found, 60)
        _work(watched)
        found.empty = _empty_panels(watched)
        replica: dict[str, Cause] = {
            "ReplicaBehind": functools.partial(causes_of_business.replica_silent, publisher=publisher),
            "OrphansFound": functools.partial(causes_of_business.orphaned, publisher=publisher),
            # Not with the others at work, one of which leaves no connection to ask by.
            "BusinessDown": causes_of_business.business_falls,
        }
        _cause(watched, replica, found, 30)
        unfollow()
        found.tried = json.loads(watched.operations("alarms", "--over", "1", "--try", SERVICE, "--json"))
        found.tried["kept"] = read_chain(next((watched.state / "evidence").glob("*.jsonl")))[-1].facts
        _cause(watched, UNATTENDED, found, 90)
        _cause(watched, DOWN, found, 60)
        found.metrics = watched.metrics()
        found.sized = json.loads(watched.operations("size", SERVICE, "--over", "1h", "--json"))
        _cause(watched, REFUSED, found, 30)
        _cause(watched, BLIND, found, 30)
        print(sorted(found.fired.items(), key=lambda one: one[1]), found.left)
        yield found


def _cause(watched: Watched, wanted: dict[str, Cause], found: Found, seconds: float) -> None:
    with ExitStack() as under_way:
        for cause in dict.fromkeys(wanted.values()):
            under_way.enter_context(cause(watched))
        found.fired |= causes.wait_for(watched, set(wanted), seconds)
        if wanted is AT_WORK:
            found.screen = watched.operations("watch", "--once")
            found.document = json.loads(watched.operations("watch", "--once", "--json"))
    found.left |= causes.wait_until_gone(watched, set(wanted), 60)


def _work(watched: Watched) -> None:
    """Transactions through the gateway, that were looked at twice."""
    with closing(watched.endpoint.connect()) as client:
        for _ in range(6):
            client.execute("SELECT 1")
            time.sleep(0.5)


def _empty_panels(watched: Watched) -> dict[str, list[str]]:
    found = {}
    for service in (None, SERVICE):
        for title, (_sometimes, texts) in queries(service, "1m").items():
            without = [text for text in texts if not watched.query(text)]
            if without:
                found[title] = without
    return found


def _tell_of_a_move(watched: Watched) -> None:
    """As the migration and a proof leave it, so that all figures are there."""
    contract = watched.kept.contract.model_copy(update={"monitoring": watched.control})
    mirror = Mirror(contract)
    mirror.state(SERVICE, "cutting over", "online")
    mirror.begun(SERVICE, 1, "pause", switching=True)
    mirror.verified(SERVICE, True)
    mirror.switched(SERVICE, 40.0)
    mirror.gates(SERVICE, "cutover", [])
    mirror.orphans(SERVICE, 0)
    keep_rotated(contract, SERVICE, time.time())
    keep_proof(watched.kept.archive, Proof("20260101T000000", 0.0, True))


@pytest.mark.parametrize("alarm", sorted(SEEN))
def test_an_alarm_fires_by_its_cause(found: Found, alarm: str) -> None:
    assert alarm in found.fired


def test_no_alarm_fires_before_anything_is_wrong(found: Found) -> None:
    assert found.before & SEEN == set()


def test_alarms_clear_when_their_causes_end(found: Found) -> None:
    assert found.left == set()


def test_every_alarm_is_seen_or_said_not_to_be() -> None:
    assert {alert.name for alert in all_alerts()} == SEEN | NOT_CAUSED
    assert not SEEN & NOT_CAUSED


def test_no_panel_is_without_data(found: Found) -> None:
    assert found.empty == {}


def test_watch_shows_what_is_wrong_in_80_columns(found: Found) -> None:
    lines = found.screen.splitlines()
    assert max(map(len, lines)) <= 80
    assert f"of {len(all_alerts())} alarms fire" in lines[0]
    assert "pause" in lines[2]
    assert "GatewayPaused: user: its gateway is paused" in found.screen
    assert {"GatewayPaused", "LockWaits"} <= {one["name"] for one in found.document["alarms"]}
    one = found.document["services"][SERVICE]
    assert one["instance"]["max_connections"] == 200
    parts = one["percentiles_ms"]
    assert 0 < parts["p50"] <= parts["p95"] <= parts["p99"]


def test_size_says_what_was_measured_and_what_follows(found: Found) -> None:
    one = found.sized["services"][SERVICE]
    measured = one["measured"]
    assert measured["sessions"] > 20
    assert measured["shared_buffers"] == 128 * 2**20
    assert measured["bytes"] > 40 * 2**20
    assert one["disk_in_half_a_year"] >= measured["bytes"]
    for proposal in one["proposals"]:
        assert f"+{' ' * 4}" in found.sized["diff"]
        assert proposal["reason"]


def test_an_alarm_is_brought_about_and_kept_as_evidence(found: Found) -> None:
    tried = found.tried
    assert (tried["tried"]["alarm"], tried["tried"]["service"]) == ("Deadlocks", SERVICE)
    assert {f"Deadlocks of {SERVICE}", f"LockWaits of {SERVICE}"} <= set(tried["fired"])
    assert (tried["watched"], tried["unhealthy"]) == ([SERVICE], [])
    assert tried["rules"] >= len(all_alerts())
    assert tried["kept"]["tried"] == tried["tried"]


def missing(expression: str, metrics: set[str]) -> set[str]:
    """The metrics that an expression uses and nobody scraped."""
    return set(re.findall(r"\b(?:pg|waqiti)_\w+|\bup\b", expression)) - metrics


def test_every_metric_of_a_rule_is_in_a_real_scrape(found: Found) -> None:
    assert {alert.name: missing(alert.expr, found.metrics) for alert in all_alerts()} == {
        alert.name: set() for alert in all_alerts()
    }


def test_a_metric_that_is_renamed_in_a_rule_is_missed(found: Found) -> None:
    for alert in all_alerts():
        renamed = re.sub(r"\b(pg|waqiti)_(\w+)", r"\1_other_\2", alert.expr)
        assert renamed == alert.expr or missing(renamed, found.metrics), alert.name
