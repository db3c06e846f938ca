"""The command line before it reaches any server: help, wrong usage, exit codes, what is never shown."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from components.contract import Contract, Endpoint, Login
from core import errors
from core.errors import Interrupted, StackNotUp, UnknownService
from core.interruption import Interruption
from core.sessions.connections import Database
from core.sessions.passfile import passfile
from core.sessions.scrubbing import scrubber
from core.sessions.stack import choose_services, read_contract
from migration.report.model import PhaseReport, Report, ServiceReport
from migration.report.write import render
from tests.support.contracts import make_contract, make_service
from tests.support.moves import revealed

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


SECRET = "a-secret-of-nobody"


def contract_of(*names: str, password: str = SECRET) -> Contract:
    login = Login(name="admin", password=SecretStr(password))
    endpoint = Endpoint(host="localhost", port=1, database="waqiti", sslmode="disable")
    return make_contract(
        Database("shared", "source", endpoint, login), [make_service(name) for name in names]
    )


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "migration", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "NO_COLOR": "1"},
    )


def test_help_names_every_verb_and_exits_with_0() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert all(f" {verb} " in done.stdout for verb in ("plan", "run", "verify", "status"))


@pytest.mark.parametrize("verb", ["plan", "run", "verify", "status"])
def test_every_verb_has_help_on_its_json_and_contract(verb: str) -> None:
    done = run(verb, "--help")
    assert done.returncode == 0
    assert "--json" in done.stdout
    assert "--contract" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--nonsense"),
        ("nonsense",),
        ("run", "user", "--workers", "0"),
        ("start", "user", "--rate-limit", "0"),
        ("start", "user", "--rate-limit", "20", "--no-throttle"),
        ("run", "user", "--stop-writes", "--rate-limit", "20"),
        ("run", "user", "--stop-writes", "--switch-timeout", "5"),
        ("run", "user", "--switch-timeout", "31"),
        ("run", "user", "--pause-timeout", "-1"),
        ("cutover", "user", "--switch-timeout", "nan"),
        ("cutover", "user", "--pause-timeout", "inf"),
        ("rollback", "user", "--immediate", "--switch-timeout", "0"),
        ("start", "user", "--wal-limit", "nan"),
    ],
)
def test_wrong_usage_is_one_line_and_exits_with_2(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = [sys.executable, "-m", "migration", "--help"]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    writer.stdout.close()
    assert writer.stderr is not None
    assert writer.stderr.read() == ""
    writer.stderr.close()
    writer.wait(60)


def test_every_class_of_error_has_an_exit_code_of_its_own() -> None:
    classes = [
        c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.MigrationError)
    ]
    codes = [c.exit_code for c in classes]
    assert len(codes) == len(set(codes))
    assert 2 not in codes, "2 is wrong usage"
    assert 70 not in codes, "70 is a bug"


def test_no_name_means_all_services_in_the_contracts_order() -> None:
    contract = contract_of("user", "payment")
    assert [s.name for s in choose_services(contract, [])] == ["user", "payment"]


def test_a_service_named_twice_is_chosen_once() -> None:
    contract = contract_of("user", "payment")
    assert [s.name for s in choose_services(contract, ["payment", "payment"])] == ["payment"]


def test_a_misspelt_service_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(UnknownService, match="did you mean payment"):
        choose_services(contract_of("user", "payment"), ["paymnet"])


def test_a_contract_comes_back_from_its_file_with_its_passwords(tmp_path: Path) -> None:
    contract = contract_of("user")
    file = tmp_path / "contract.json"
    file.touch(0o600)
    file.write_text(json.dumps(revealed(contract.model_dump())))
    assert read_contract(None, file) == contract


def test_a_contract_that_does_not_fit_is_refused_without_quoting_it(tmp_path: Path) -> None:
    document = revealed(contract_of("user").model_dump())
    document["source"]["administrator"]["password"] = {"wrong": "a-secret-of-nobody"}
    file = tmp_path / "contract.json"
    file.touch(0o600)
    file.write_text(json.dumps(document))
    with pytest.raises(StackNotUp) as caught:
        read_contract(None, file)
    assert "source.administrator.password" in str(caught.value)
    assert "a-secret-of-nobody" not in str(caught.value)


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=4),
    st.text(st.characters(codec="utf-8")),
    st.text(st.characters(codec="utf-8")),
)
def test_no_text_keeps_a_password_of_the_contract(password: str, before: str, after: str) -> None:
    scrub = scrubber(contract_of("user", password=password))
    assert password not in scrub(f"{before}{password}{after}")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1))
def test_a_password_file_is_one_line_that_libpq_reads_back(password: str) -> None:
    with passfile(SecretStr(password)) as path:
        line = path.read_bytes().decode()
    assert line.endswith("\n")
    fields, escaped = line[:-1].split(":", 4)[:4], line[:-1].split(":", 4)[4]
    assert fields == ["*"] * 4
    read, characters = "", iter(escaped)
    for character in characters:
        read += next(characters) if character == "\\" else character
    assert read == password


def test_a_signal_is_raised_once_and_tells_the_workers() -> None:
    interruption = Interruption()
    with interruption.installed():
        with pytest.raises(Interrupted):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    assert interruption.stop.is_set()


def test_a_signal_inside_a_shield_waits_for_the_next_check() -> None:
    interruption = Interruption()
    with interruption.installed():
        with interruption.shield():
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Interrupted):
            interruption.check()
        interruption.check()


def test_the_handlers_of_before_are_back_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interruption().installed():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def service_report(table: str = "user_schema.users", error: str | None = None) -> ServiceReport:
    phases = (
        PhaseReport("pause the gateway", NOW, 0.5, "done", {}, None),
        PhaseReport("copy the rows", NOW, 2.0, "failed" if error else "done", {}, error),
        PhaseReport("resume the gateway", NOW.replace(second=9), 0.25, "done", {}, None),
    )
    tables = ({"table": table, "rows": 3, "bytes": 8192, "seconds": 0.1},)
    return ServiceReport("user", "moved", phases, tables, None)


def report_of(*services: ServiceReport, error: str | None = None) -> Report:
    return Report("waqiti/test", "localhost:1/waqiti", "1.0", NOW, services, (), error)


def test_clients_waited_from_the_pauses_begin_to_the_resumes_end() -> None:
    assert service_report().clients_waited_seconds == pytest.approx(4.25)


def test_a_report_without_services_is_still_a_page() -> None:
    assert "ended early" in render(report_of(error="SourceUnreachable: it is down"))


def test_names_and_errors_in_the_report_cannot_become_markup() -> None:
    page = render(report_of(service_report(table="<script>alert(1)</script>", error="<b>bold</b>")))
    assert "<script>" not in page
    assert "<b>bold" not in page


def test_a_step_that_was_cut_off_is_shown_without_seconds() -> None:
    cut = ServiceReport("user", "running", (PhaseReport("verify", NOW, None, "cut off", {}, None),), (), None)
    assert "cut off" in render(report_of(cut))
    assert cut.clients_waited_seconds is None


def test_a_step_that_was_cut_off_before_it_had_figures_is_no_obstacle() -> None:
    cut = PhaseReport("drop the keys that cross", NOW, None, "cut off", {}, None)
    assert ServiceReport("user", "running", (cut,), (), None).edges == ()
