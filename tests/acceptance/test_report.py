"""The report of a real migration, its evidence taken again, and the checker that shares no code with it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from core.errors import EvidenceBroken, EvidenceContradicted
from core.evidence.chain import Entry, Kind, read_chain
from tests.support.browser import Browser, browser, chromium
from tests.support.clusters import Clusters
from tests.support.moves import SECRETS, World, default_world
from tests.support.places import REPOSITORY
from tests.support.versions import DEFAULT_VERSIONS
from tests.support.writer import Writer

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1800)]

CHECKER = REPOSITORY / "docs" / "check-evidence.sh"
VIEWS = (
    (390, False, False),
    (390, True, False),
    (1200, False, False),
    (1200, True, False),
    (794, False, True),
)
"""Width in pixels, dark, paper."""
OUTSIDE = """[...document.querySelectorAll('svg text')].filter(text => {
    const box = text.getBBox(), view = text.ownerSVGElement.viewBox.baseVal
    return box.x < -1 || box.x + box.width > view.width + 1
}).map(text => text.textContent)"""
"""Words of plots that are cut off at their edge."""
PATIENT = ("--switch-timeout", "30")


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[World]:
    """Both services have moved under load; `user` went back and forth, and is finished."""
    folder = tmp_path_factory.mktemp("report")
    with default_world(folder, clusters, rows=300) as world:
        with Writer(world.gated["user"].endpoint):
            told(world, "run", "--all", "--yes", *PATIENT)
            told(world, "rollback", "user", "--immediate", "--yes", *PATIENT)
            told(world, "cutover", "user", "--yes", *PATIENT)
        told(world, "finish", "user", "--yes")
        yield world


@pytest.fixture
def psql(clusters: Clusters) -> Path:
    """The folder of the shared server's psql."""
    return clusters.get("source", DEFAULT_VERSIONS[0]).server.binaries


def told(world: World, *arguments: str, code: int = 0) -> dict[str, Any]:
    """What a verb says as JSON; its exit status has to be `code`."""
    done = world.run(*arguments, "--json", timeout=900)
    assert done.returncode == code, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def evidence(world: World) -> Path:
    (found,) = (world.folder / "state" / "evidence").glob("*.jsonl")
    return found


def test_the_report_has_all_that_was_done(moved: World) -> None:
    found = told(moved, "report", "--out", str(moved.folder / "pages"))
    services = {one["service"]: one for one in found["services"]}
    user, payment = services["user"], services["payment"]
    assert found["answer"]["moved"] == "All 2 services have moved."
    assert "none is lost or differs" in found["answer"]["lost"]
    assert [one["verb"] for one in user["pauses"]] == ["cutover", "rollback", "cutover"]
    assert all(one["done"] and one["ms"] > 0 for one in user["pauses"])
    assert user["load"]["during"]["per_second"] > 0
    assert user["load"]["points"]
    assert {one["stage"] for one in user["evidence"]["gates"]} == {"start", "cutover"}
    assert [one["edge"] for one in payment["evidence"]["decisions"]] == [
        "foreign key payment_schema.payments.payments_user_id_fkey -> user_schema.users"
    ]
    assert user["evidence"]["archived"]["facts"]["rows"] > 600
    page = Path(found["report"]).read_text()
    assert not any(secret in page for secret in SECRETS)


def test_the_evidence_is_found_again_in_the_databases(moved: World) -> None:
    found = told(moved, "report", "verify", str(evidence(moved)))
    said = {(one["service"], one["where"].split(" ")[0]): one["found"] for one in found["findings"]}
    assert said["user", "the"] == "the same"
    assert said["payment", "both"] == "the same"
    assert said["user", "its"] in {"the same", "written since"}
    assert found["head"] == read_chain(evidence(moved))[-1].digest


def test_rows_written_since_are_compared_on_both_sides(moved: World) -> None:
    with moved.gated["payment"].endpoint.connect() as connection:
        connection.execute("INSERT INTO payments (user_id, amount) VALUES (1, 12.5)")
    found = told(moved, "report", "verify", str(evidence(moved)))
    (both,) = [one for one in found["findings"] if one["where"] == "both sides"]
    assert both["found"] == "written since, and equal on both sides"


def test_one_row_altered_in_the_old_copy_is_named(moved: World, psql: Path) -> None:
    odd = sql.Identifier(_old_copy(moved), "Odd Name")
    with moved.source.connect() as connection:
        connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER ALL").format(odd))
        connection.execute(sql.SQL("UPDATE {} SET value = 'x' WHERE value = ''").format(odd))
        try:
            refused = told(
                moved, "report", "verify", str(evidence(moved)), code=EvidenceContradicted.exit_code
            )
            checked = _check(moved, psql, evidence(moved), "user")
        finally:
            connection.execute(sql.SQL("UPDATE {} SET value = '' WHERE value = 'x'").format(odd))
    assert "Odd Name" in refused["error"]["message"]
    assert checked.returncode == 1
    assert f'DIFFERENT {_old_copy(moved)}."Odd Name"' in checked.stdout


def test_the_checker_comes_to_the_same_digests(moved: World, psql: Path) -> None:
    checked = _check(moved, psql, evidence(moved), "user", _old_copy(moved))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    lines = checked.stdout.splitlines()
    assert lines[0].endswith(read_chain(evidence(moved))[-1].digest)
    assert len(lines) == 4
    assert all(line.startswith("same ") for line in lines[1:])


@pytest.mark.parametrize("harm", ["a byte", "a line less", "another chain"])
def test_altered_evidence_is_refused_by_both(moved: World, psql: Path, tmp_path: Path, harm: str) -> None:
    altered = tmp_path / "altered.jsonl"
    lines = evidence(moved).read_text().splitlines(keepends=True)
    if harm == "a byte":
        lines[2] = (
            lines[2].replace("2026", "2025", 1) if "2026" in lines[2] else lines[2].replace("1", "2", 1)
        )
    elif harm == "a line less":
        del lines[2]
    else:
        lines = [_resealed(lines[0])]
    altered.write_text("".join(lines))
    told(moved, "report", "verify", str(altered), code=EvidenceBroken.exit_code)
    if harm != "another chain":
        assert _check(moved, psql, altered).returncode == 1


def test_the_report_of_one_service_answers_for_it_alone(moved: World, tmp_path: Path) -> None:
    done = moved.run("report", "--service", "payment", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "payment has moved."
    left = (
        "left: payment is moved, to be finished once nobody wants it back: python -m migration finish payment"
    )
    assert left in done.stdout.splitlines()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if chromium() is None and not os.environ.get("WAQITI_REQUIRE_ALL"):
        pytest.skip("chromium is not installed")
    with browser(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


def test_the_page_fits_phone_desk_and_paper_on_light_and_dark(moved: World, shown: Browser) -> None:
    page = Path(told(moved, "report", "--out", str(moved.folder / "pages"))["report"])
    grounds = set()
    for width, dark, paper in VIEWS:
        shown.open(page, width=width, dark=dark, paper=paper)
        wide, there = shown.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= there, f"{wide} pixels at a width of {there}"
        grounds.add(shown.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert shown.evaluate("document.querySelectorAll('figure svg').length") >= 4
        assert shown.evaluate(OUTSIDE) == []
        shown.screenshot(page.with_name(f"{width}-{'dark' if dark else 'paper' if paper else 'light'}.png"))
    assert len(grounds) == 3
    assert shown.complaints == []


def _old_copy(moved: World) -> str:
    (archived,) = [one for one in read_chain(evidence(moved)) if one.kind == Kind.ARCHIVED]
    return str(archived.facts["schema"])


def _check(world: World, psql: Path, file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The checker against the shared database, with psql and nothing of ours."""
    with world.source.client_environment() as environment:
        given = {key: value for key, value in environment.items() if key != "PGOPTIONS"}
        return subprocess.run(
            ["sh", str(CHECKER), str(file), *arguments],
            env={**given, "PATH": f"{psql}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )


def _resealed(line: str) -> str:
    """A whole new chain, as somebody makes it who may write the file."""
    entry = Entry.model_validate_json(line)
    return entry.model_copy(update={"who": "nobody@nowhere"}).sealed().model_dump_json() + "\n"
