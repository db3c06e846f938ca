"""A stack as a team has it: logins rotated under load, evidence of all that was done, promotion with it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from components.contract import Contract
from core.errors import ChangeRefused, EvidenceBroken, GateClosed, LoginsInUse, NotProven, WrongState
from core.evidence.chain import Kind, evidence_file, read_chain
from operations.drift.model import read_state
from tests.acceptance.conftest import INSTANCE_PORT_OFFSET, free_offset
from tests.acceptance.logins import connect
from tests.acceptance.stack import Stack, stack_that_is_up
from tests.support import team
from tests.support.clusters import Clusters
from tests.support.folders import own_folder
from tests.support.team import Client, program, told

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]

ROTATE = ("operations", "rotate")
BOARD = "A. Board"
PATIENT = ("--switch-timeout", "30")
"""How long clients wait on a busy machine is other tests' to say."""


@pytest.fixture(scope="module")
def stack(clusters: Clusters) -> Iterator[Stack]:
    """Two services, of which `wallet` has moved, by a checkout whose files are all committed."""
    with ExitStack() as opened:
        checkout = own_folder()
        opened.callback(shutil.rmtree, checkout)
        team.committed(checkout)
        shared = opened.enter_context(team.shared_by_two(clusters.get("source", 17)))
        upper = opened.enter_context(team.shared_by_two(clusters.get("source", 17)))
        settings = team.settings_of(shared, free_offset(), INSTANCE_PORT_OFFSET)
        made = opened.enter_context(stack_that_is_up(settings, team.variables_of(shared), checkout))
        told(made, "migration", "run", "wallet", "--yes", *PATIENT, "--stack", "test")
        above = {**team.settings_of(upper, free_offset(), INSTANCE_PORT_OFFSET), "services": ["user"]}
        opened.callback(_destroy, made, "upper")
        made.run("stack", "init", "upper", "--no-select")
        _write(made, "upper", {**above, "backups": False, "promotedFrom": "test"})
        yield made


@pytest.fixture(scope="module")
def before(stack: Stack) -> Contract:
    return stack.contract()


def test_a_rotation_fails_nobody_and_ends_when_nobody_is_left(stack: Stack, before: Contract) -> None:
    name = "wallet"
    service = before.services[name]
    verifiers = _verifiers(stack, name)
    with Client(service.endpoint, service.login, "old") as old:
        told(stack, *ROTATE, name, "--stack", "test")
        now = stack.contract().services[name]
        with Client(now.endpoint, now.login, "new") as new:
            status = told(stack, "operations", "rotation", "status", name, "--stack", "test")
            refused = told(stack, *ROTATE, name, "--finish", "--stack", "test", code=LoginsInUse.exit_code)
            twice = program(stack, *ROTATE, name, "--stack", "test")
            with connect(now.endpoint, now.login) as connection:
                row = connection.execute("SELECT current_user").fetchone()
    assert (old.errors, new.errors) == ([], [])
    assert min(old.counts["statements"], new.counts["statements"], old.counts["logins"]) > 20
    assert (now.login.name, now.previous) == (f"waqiti_{name}_service_b", _both(name))
    assert status["services"][name]["previous"] == list(_both(name))
    users = {(one["application"], one["where"]) for one in status["services"][name]["users"]}
    assert users == {("old", "gateway")}
    assert "old at 127.0.0.1" in refused["error"]["message"]
    assert twice.returncode == WrongState.exit_code
    assert row == (f"waqiti_{name}_service",)
    told(stack, *ROTATE, name, "--finish", "--stack", "test")
    with pytest.raises(psycopg.OperationalError):
        connect(service.endpoint, service.login).close()
    connect(now.endpoint, now.login).close()
    after = _verifiers(stack, name)
    assert {key: one for key, one in after.items() if key in verifiers} == verifiers


def test_our_own_passwords_are_renewed_in_one_step(stack: Stack) -> None:
    old = stack.contract().services["user"]
    with Client(old.endpoint, old.login, "application") as client:
        told(stack, *ROTATE, "user", "--own", "--stack", "test")
    now = stack.contract().services["user"]
    assert client.errors == []
    for kind in ("migration", "monitoring", "backup"):
        assert getattr(now, kind).password != getattr(old, kind).password
        connect(now.instance, getattr(now, kind)).close()
    assert now.gateway_control.administrator.password != old.gateway_control.administrator.password
    assert now.login == old.login


def test_after_rotations_an_up_changes_nothing_and_drift_finds_nothing(stack: Stack) -> None:
    kept = _verifiers(stack, "user"), _verifiers(stack, "wallet")
    assert stack.changes() == {}
    stack.up()
    assert (_verifiers(stack, "user"), _verifiers(stack, "wallet")) == kept
    done = program(stack, "operations", "drift", "test", "--no-refresh", "--json")
    found = [one["what"] for one in json.loads(done.stdout)["differences"]]
    of_logins = ("role ", "password of ", "gateway", "pg_hba.conf", "waqiti_")
    assert [what for what in found if what.startswith(of_logins)] == []


def test_a_rotation_that_would_change_something_else_is_refused(stack: Stack) -> None:
    there = stack.folder / "Pulumi.test.yaml"
    text = there.read_text(encoding="utf-8")
    changed = text.replace("scale: '0.1'", "scale: '0.11'").replace('scale: "0.1"', 'scale: "0.11"')
    assert changed != text
    there.write_text(changed, encoding="utf-8")
    refused = told(stack, *ROTATE, "user", "--stack", "test", code=ChangeRefused.exit_code)
    kept = there.read_text(encoding="utf-8")
    there.write_text(text, encoding="utf-8")
    assert "beside the rotation" in refused["error"]["message"]
    assert kept == changed


def test_a_promotion_names_all_that_is_missing(stack: Stack) -> None:
    done = told(stack, "operations", "promote", "test", "upper", "--yes", code=NotProven.exit_code)
    said = done["error"]["message"]
    for one in ("user: moved", "user: verified", "rolled back", "user: a backup", "isolation", "a signature"):
        assert one in said
    assert "wallet: moved" not in said
    assert "a deployment of" not in said


def test_a_stage_that_is_to_be_signed_waits_for_the_signature(stack: Stack, tmp_path: Path) -> None:
    contract = tmp_path / "contract.json"
    agreed = stack.outputs(secrets=True)["contract"]
    contract.touch(mode=0o600)
    contract.write_text(json.dumps({**agreed, "sign_offs": {"start": [BOARD]}}), encoding="utf-8")
    at = ("--contract", str(contract))
    closed = told(stack, "migration", "gates", "user", *at, code=GateClosed.exit_code)
    gates = {one["name"]: one for one in closed["services"]["user"]["gates"]}
    assert (gates["sign-off"]["verdict"], gates["sign-off"]["figure"]) == ("no-go", f"not signed by {BOARD}")
    signed = told(stack, "migration", "sign", "user", "--stage", "start", "--who", BOARD, *at)
    seen = {one["name"] for one in signed["entry"]["facts"]["seen"]}
    assert {"plan", "sign-off"} <= seen
    gates = {
        one["name"]: one["verdict"]
        for one in told(stack, "migration", "gates", "user", *at)["services"]["user"]["gates"]
    }
    assert gates["sign-off"] == "go"


def test_what_was_proven_is_promoted_as_it_was_shown(stack: Stack) -> None:
    at = ("--stack", "test")
    told(stack, "migration", "run", "user", "--yes", *PATIENT, *at)
    told(stack, "migration", "rollback", "user", "--immediate", "--yes", *PATIENT, *at)
    told(stack, "migration", "cutover", "user", "--yes", *PATIENT, *at)
    assert told(stack, "migration", "relogin", "user", *at)["services"]["user"] != []
    for name in team.SERVICES:
        told(stack, "operations", "backup", name, *at)
        told(stack, "operations", "proof", name, *at)
    tried = told(stack, "operations.isolation.command", *at)
    assert tried["isolated"], tried["breaches"]
    told(stack, "operations", "sign-off", "--stage", "promotion", "--who", BOARD, "--note", "seen it", *at)
    _still_follows(stack)
    found = told(stack, "operations", "report", *at)
    assert "all 2 services have moved, " in found["answer"]
    shown = told(stack, "operations", "promote", "test", "upper", "--dry-run")
    done = told(stack, "operations", "promote", "test", "upper", "--yes", "--shown", shown["shown"])
    outputs = json.loads(stack.run("stack", "output", "--json", "--stack", "upper").output)
    assert outputs["promotedFrom"]["deployed"]["commit"] == done["promoted"] == outputs["deployed"]["commit"]
    promoted = read_chain(evidence_file("waqiti", "upper", stack.folder / "state"))[-1]
    assert promoted.kind == Kind.PROMOTED
    assert promoted.facts["proof"] == found["head"]
    assert promoted.facts["shown"] == shown["shown"]


def test_evidence_that_was_altered_promotes_nothing(stack: Stack, tmp_path: Path) -> None:
    chain = evidence_file("waqiti", "test", stack.folder / "state")
    altered = tmp_path / "altered.jsonl"
    altered.write_text(chain.read_text().replace(BOARD, "B. Other", 1))
    at = ("--certificate", str(altered), "--yes")
    refused = told(stack, "operations", "promote", "test", "upper", *at, code=EvidenceBroken.exit_code)
    assert "was altered" in refused["error"]["message"]
    code = program(stack, "operations", "report", "--verify", str(altered)).returncode
    assert code == EvidenceBroken.exit_code
    assert program(stack, "operations", "report", "--verify", str(chain)).returncode == 0


def test_a_checkout_with_changes_is_not_promoted(stack: Stack) -> None:
    changed = stack.program / "services.yaml"
    text = changed.read_text(encoding="utf-8")
    changed.write_text(text + "# looked at\n", encoding="utf-8")
    done = told(stack, "operations", "promote", "test", "upper", "--yes", code=NotProven.exit_code)
    changed.write_text(text, encoding="utf-8")
    assert "this checkout's files differ" in done["error"]["message"]


def test_no_password_is_in_the_evidence_nor_in_the_settings(stack: Stack) -> None:
    contract = stack.contract()
    secrets = [
        login.password.get_secret_value()
        for one in contract.services.values()
        for login in (one.service, one.login, one.migration, one.monitoring, one.backup)
    ]
    kept = evidence_file("waqiti", "test", stack.folder / "state").read_text()
    settings = (stack.folder / "Pulumi.test.yaml").read_text(encoding="utf-8")
    assert not any(secret in kept + settings for secret in secrets)


def _still_follows(stack: Stack) -> None:
    """What the service writes now gets to the shared database."""
    agreed = stack.contract()
    user, source = agreed.services["user"], agreed.source
    with connect(user.endpoint, user.login) as connection:
        connection.execute("INSERT INTO notes (word) VALUES ('after relogin')")
    deadline = time.monotonic() + 30
    with connect(source.endpoint, source.administrator) as connection:
        asked = "SELECT count(*) FROM user_schema.notes WHERE word = 'after relogin'"
        while connection.execute(asked).fetchone() != (1,):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def _both(name: str) -> tuple[str, str]:
    return f"waqiti_{name}_service", f"waqiti_{name}_ddl"


def _verifiers(stack: Stack, name: str) -> dict[str, str]:
    """Roles of a service's instance with their verifiers."""
    state = json.loads(stack.run("stack", "export", "--show-secrets", "--stack", "test").output)
    given = read_state(state, "test")[name].one("pulumi:providers:postgresql") or {}
    with psycopg.connect(
        host=given["host"],
        port=int(given["port"]),
        user=given["username"],
        password=given["password"],
        dbname="postgres",
        sslmode=given["sslmode"],
        sslrootcert=given["sslrootcert"],
    ) as connection:
        rows = connection.execute("SELECT rolname, rolpassword FROM pg_authid WHERE rolpassword <> ''")
        return dict(rows.fetchall())


def _write(stack: Stack, name: str, settings: dict[str, Any]) -> None:
    file = stack.folder / f"Pulumi.{name}.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    content["config"] = {f"waqiti:{key}": value for key, value in settings.items()}
    file.write_text(yaml.safe_dump(content), encoding="utf-8")


def _destroy(stack: Stack, name: str) -> None:
    stack.run("destroy", "--yes", "--skip-preview", "--stack", name, check=False)
