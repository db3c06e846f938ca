"""Alarms: what Prometheus is given, what promtool says of it, and that each has its page."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.monitoring.rules.every import all_alerts, rule_file
from components.monitoring.rules.limits import LIMITS
from components.monitoring.rules.model import Alert
from components.monitoring.settings import MonitoringSettings
from components.problems import ConfigurationError
from servers import binaries
from servers.errors import ServerError
from tests.support.absence import absent
from tests.support.places import REPOSITORY

pytestmark = pytest.mark.unit

PAGES = REPOSITORY / "docs/runbooks/alerts"
DAY = "86400s"

Series = dict[str, str]
USER = 'service="user"'
FIRES: dict[str, tuple[Series, Series, str]] = {
    # Series that alarm, the same ones that do not, and when it is looked.
    "ProofOld": (
        {
            f"waqiti_backup_proof_age_seconds{{{USER}}}": "1000+0x300",
            f"waqiti_backup_proof_every_seconds{{{USER}}}": "600+0x300",
        },
        {
            f"waqiti_backup_proof_age_seconds{{{USER}}}": "890+0x300",
            f"waqiti_backup_proof_every_seconds{{{USER}}}": "600+0x300",
        },
        "2h",
    ),
    "ProofFailed": (
        {f"waqiti_backup_proof_sound{{{USER}}}": "0+0x300"},
        {f"waqiti_backup_proof_sound{{{USER}}}": "1+0x300"},
        "5m",
    ),
    "SwitchStuck": (
        {f'waqiti_move_step_seconds{{{USER}, switching="yes", step="pause"}}': "61+0x300"},
        {
            f'waqiti_move_step_seconds{{{USER}, switching="yes", step="pause"}}': "59+0x300",
            'waqiti_move_step_seconds{service="wallet", switching="no", step="copy"}': "9000+0x300",
        },
        "5m",
    ),
    "SidesDiffer": (
        {f"waqiti_move_verified_equal{{{USER}}}": "0+0x300"},
        {f"waqiti_move_verified_equal{{{USER}}}": "1+0x300"},
        "5m",
    ),
    "VerificationOld": (
        {f'waqiti_move_verified_age_seconds{{{USER}, state="following"}}': "86401+0x300"},
        {
            f'waqiti_move_verified_age_seconds{{{USER}, state="following"}}': "86399+0x300",
            'waqiti_move_verified_age_seconds{service="wallet", state="finished"}': "9999999+0x300",
        },
        "1h",
    ),
    "DiskWillFill": (
        {
            f"waqiti_disk_free_bytes{{{USER}}}": "400-0.5x600",
            f"waqiti_disk_size_bytes{{{USER}}}": "1000+0x600",
        },
        {
            f"waqiti_disk_free_bytes{{{USER}}}": "400-0.05x600",
            f"waqiti_disk_size_bytes{{{USER}}}": "1000+0x600",
        },
        "8h",
    ),
    "Wraparound": (
        {f'pg_database_wraparound_age_datfrozenxid_seconds{{{USER}, datname="a"}}': "1100000000+0x300"},
        {
            f'pg_database_wraparound_age_datfrozenxid_seconds{{{USER}, datname="a"}}': "900000000+0x300",
            f'pg_database_wraparound_age_datminmxid_seconds{{{USER}, datname="a"}}': "900000000+0x300",
        },
        "1h",
    ),
    "InstanceDown": (
        {f"pg_up{{{USER}}}": "0+0x300"},
        {f"pg_up{{{USER}}}": "1+0x300", f'up{{{USER}, job="postgresql"}}': "1+0x300"},
        "5m",
    ),
    "BusinessDown": (
        {f"pg_business_success{{{USER}}}": "1x60 0.7x300"},
        {f"pg_business_success{{{USER}}}": "1x60 0.9x300"},
        "1h5m",
    ),
    "RotationOverdue": (
        {f"waqiti_rotation_age_seconds{{{USER}}}": "7862400+0x300"},
        {f"waqiti_rotation_age_seconds{{{USER}}}": "7689600+0x300"},
        "2h",
    ),
    "OrphansFound": (
        {f"waqiti_orphans{{{USER}}}": "1+0x300"},
        {f"waqiti_orphans{{{USER}}}": "0+0x300"},
        "5m",
    ),
    "GatewayPaused": (
        {f"waqiti_gateway_paused{{{USER}}}": "1+0x300"},
        {f"waqiti_gateway_paused{{{USER}}}": "0 0 1 0 0 0 0 0 0 0"},
        "5m",
    ),
    "BackupOld": (
        {
            f"waqiti_backup_age_seconds{{{USER}}}": "200+0x300",
            f"waqiti_backup_every_seconds{{{USER}}}": "100+0x300",
        },
        {
            f"waqiti_backup_age_seconds{{{USER}}}": "140+0x300",
            f"waqiti_backup_every_seconds{{{USER}}}": "100+0x300",
        },
        "1h",
    ),
}
"""The alarms that no test causes, and those whose real limit is more than a test can reach."""


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        program = binaries.monitor("promtool")
    except ServerError as error:
        absent(str(error))
    return subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False)


def passes(folder: Path, rules: dict[str, Any], alarm: str) -> subprocess.CompletedProcess[str]:
    """promtool's own test of one alarm: fires where it should, does not where it should not."""
    fires, quiet, at = FIRES[alarm]
    (folder / "rules.json").write_text(json.dumps(rules), encoding="utf-8")
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{alarm}", alertstate="firing", {USER}}}) or vector(0)',
                    "eval_time": at,
                    "exp_samples": [{"labels": "{}", "value": int(series is fires)}],
                }
            ],
        }
        for series in (fires, quiet)
    ]
    document = {"rule_files": ["rules.json"], "evaluation_interval": "1m", "tests": tests}
    (folder / "tests.json").write_text(json.dumps(document), encoding="utf-8")
    return promtool("test", "rules", str(folder / "tests.json"))


def test_promtool_finds_nothing_wrong_with_the_rules(tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text(json.dumps(rule_file(MonitoringSettings())), encoding="utf-8")
    checked = promtool("check", "rules", str(tmp_path / "rules.json"))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(all_alerts())} rules found" in checked.stdout


@pytest.mark.parametrize("alarm", FIRES)
def test_an_alarm_fires_beyond_its_limit_and_not_within(tmp_path: Path, alarm: str) -> None:
    tested = passes(tmp_path, rule_file(MonitoringSettings()), alarm)
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("alarm", FIRES)
def test_a_comparison_that_is_turned_is_noticed(tmp_path: Path, alarm: str) -> None:
    rules = rule_file(MonitoringSettings())
    for group in rules["groups"]:
        for rule in group["rules"]:
            turned = {" > ": " < ", " < ": " > ", " == ": " != "}
            rule["expr"] = "".join(turned.get(part, part) for part in _split(rule["expr"]))
    assert passes(tmp_path, rules, alarm).returncode != 0


def _split(expression: str) -> list[str]:
    words = expression.split(" ")
    return [f" {word} " if word in {">", "<", "=="} else f"{word} " for word in words]


@pytest.mark.parametrize("alert", all_alerts(), ids=lambda alert: alert.name)
def test_every_alarm_has_a_page_that_says_what_to_do(alert: Alert) -> None:
    page = (PAGES / f"{alert.name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {alert.name}\n")
    assert "## What to do" in page


def test_every_page_is_of_an_alarm() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == {alert.name for alert in all_alerts()}


def test_every_limit_is_used_and_known() -> None:
    assert {alert.limit for alert in all_alerts()} - {None} == set(LIMITS)
    for alert in all_alerts():
        assert ("{limit}" in alert.expr) == (alert.limit is not None), alert.name
        assert ("{window}" in alert.expr) == (alert.window > 0), alert.name


def test_a_limit_that_no_rule_has_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no rule has this limit"):
        rule_file(MonitoringSettings(limits={"conections": 0.5}))


def test_a_shorter_hold_shortens_windows_but_never_below_five_looks() -> None:
    rules = rule_file(MonitoringSettings(hold=0.001, interval=2))
    expressions = {rule["alert"]: rule for group in rules["groups"] for rule in group["rules"]}
    assert "[10s]" in expressions["Deadlocks"]["expr"]
    assert expressions["InstanceDown"]["for"] == "30ms"
