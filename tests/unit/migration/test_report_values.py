"""What a report says, from made-up journals, samples and evidence: pauses, load, the answer, plots."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.evidence.chain import Kind
from core.evidence.lookup import digest_of_tables
from core.names import TableName
from migration.journal.evidence import ARCHIVED, verified_facts
from migration.journal.journal import Move
from migration.journal.pauses import pauses_of
from migration.report import charts
from migration.report.answer import answer
from migration.report.charts import timeline
from migration.report.chronicle import chronicle
from migration.report.load import load_of, statements_of
from migration.report.model import ServiceReport, service_report
from migration.report.write import as_json, render
from migration.sampling.kept import Counters, Recent, Sample, Statements, append, read
from tests.support.reports import BEGAN, LONG, entry, step, switch, whole_report

pytestmark = pytest.mark.unit

NOW = BEGAN.timestamp()


def test_a_pause_is_the_sum_of_its_steps_up_to_the_resumed_gateway() -> None:
    steps = [step(1, "subscribe", 0, 1), *switch(5), *switch(60, "rollback", 2.0)]
    there, back = pauses_of(steps)
    inside = [one.figures["ms"] for one in switch(5)][:-1]
    assert (there.verb, back.verb, there.done, back.done) == ("cutover", "rollback", True, True)
    assert there.ms == pytest.approx(sum(inside))
    assert back.ms == pytest.approx(2 * sum(inside))
    assert [part.step for part in there.parts][-1] == "resume the gateway"
    assert there.parts[3].began_ms == pytest.approx(sum(inside[:3]))


def test_a_switch_that_went_back_is_told_by_the_clock() -> None:
    first, second = switch(5)[:2]
    failed = replace(second, outcome="failed", figures={})
    resumed = step(9, "cutover: resume the gateway", 5.9, 0.1)
    (pause,) = pauses_of([first, failed, resumed])
    assert not pause.done
    assert pause.ms == pytest.approx(1000)
    assert [part.done for part in pause.parts] == [True, False, True]


def test_an_offline_move_waits_from_its_pause_to_its_resume() -> None:
    steps = [
        step(1, "pause the gateway", 1, 0.1),
        step(2, "copy the rows", 1.1, 8),
        step(3, "resume the gateway", 9.1, 0.1),
    ]
    (pause,) = pauses_of(steps)
    assert (pause.verb, round(pause.ms)) == ("move", 8200)
    assert pauses_of(steps[:2]) == []


def _samples(*rows: tuple[float, int, int]) -> list[Sample]:
    return [Sample(NOW + at, {"user": Counters(count, count, took, 0)}) for at, count, took in rows]


def test_rates_are_what_counters_grew_by_before_during_and_after() -> None:
    taken = _samples((0, 0, 0), (10, 100, 200_000), (20, 300, 600_000), (30, 350, 900_000))
    load = load_of(taken, "user", NOW + 9, NOW + 21)
    assert load is not None
    assert load.before is not None
    assert load.during is not None
    assert load.after is not None
    assert (load.before.per_second, load.before.milliseconds) == (10, 2)
    assert (load.during.per_second, load.during.milliseconds) == (20, 2)
    assert (load.after.per_second, load.after.milliseconds) == (5, 6)


def test_a_gateway_that_was_started_anew_counts_from_nothing() -> None:
    load = load_of(_samples((0, 900, 9_000), (1, 10, 1_000), (2, 30, 3_000)), "user", None, None)
    assert load is not None
    assert [one.per_second for one in load.points] == [20]
    assert load_of(_samples((0, 1, 1)), "user", None, None) is None
    assert statements_of(_samples((0, 1, 1), (1, 2, 2)), None) is None


def test_what_was_before_the_first_look_is_the_gateways_last_minute() -> None:
    first, *others = _samples((0, 0, 0), (1, 5, 50), (2, 9, 90))
    taken = [replace(first, recent={"user": Recent(44.0, 1.5)}), *others]
    load = load_of(taken, "user", NOW - 1, NOW + 9)
    assert load is not None
    assert load.before is not None
    assert (load.before.per_second, load.before.milliseconds) == (44.0, 1.5)


def test_plots_have_few_points_and_lose_none_of_what_was_counted() -> None:
    load = load_of(_samples(*((n, 7 * n, 70 * n) for n in range(5000))), "user", None, None)
    assert load is not None
    assert len(load.points) <= 241
    assert sum(one.per_second * one.seconds for one in load.points) == pytest.approx(7 * 4999)


def test_samples_are_read_as_they_were_kept(tmp_path: Path) -> None:
    file = tmp_path / "samples" / "one.jsonl"
    first = Sample(
        NOW, {"user": Counters(1, 2, 3, 4)}, {"user": Recent(5.0, 6.0)}, {"user": Statements(7, 8.5)}, None
    )
    second = Sample(NOW + 1, shared=Statements(9, 10.0))
    for one in (first, second):
        append(file, one)
    with file.open("a") as opened:
        opened.write('{"at": "cut o')
    assert read(file) == [first, second]
    assert read(file, NOW + 0.5) == [second]
    assert read(tmp_path / "none") == []


def test_the_answer_says_what_moved_what_was_lost_and_what_is_left() -> None:
    report = whole_report()
    found = answer(report)
    assert found.moved == "7 of 8 services have moved."
    assert found.lost == "252,000 rows were compared, none is lost or differs."
    assert "(payment, rollback)" in found.waited
    assert not found.good
    left = dict(found.left)
    assert left["notification is not begun"] == "python -m migration run notification"
    assert "python -m operations proof ledger" in left.values()
    assert any(
        what.startswith("payment, wallet, ledger, ") and " are moved, to be finished" in what for what in left
    )


def test_rows_that_differ_are_the_first_thing_that_is_said() -> None:
    one = whole_report().services[0]
    assert one.verification is not None
    wrong = replace(one, verification={**one.verification, "equal": False})
    found = answer(whole_report(services=(wrong,)))
    assert found.lost == "Not equal: user."
    assert not found.good
    alone = answer(whole_report(services=(one,)))
    assert (alone.moved, alone.good) == ("user has moved.", True)
    assert answer(whole_report(services=())).moved == "No service has moved yet."


def test_the_page_stands_alone_and_has_what_a_board_asks_for() -> None:
    report = whole_report()
    page = render(report)
    for said in (
        "7 of 8 services have moved.",
        "A. Board signed the cutover",
        "gate-7: warn",
        "restored and found sound",
        "No backup of it was restored",
        "is dropped: its own database does not have it",
        "asked for by a call",
        "user_schema_archived_20261130",
        "1b" * 32,
        "3d" * 32,
        "0/5A00128",
        "before-cutover-user-20261130t070300",
        "1 earlier\nmove taken back",
    ):
        assert said in page, said
    for word in ("http:", "https:", "<script", "url(", "@import", "src="):
        assert word not in page, word
    assert json.loads(json.dumps(as_json(report)))["answer"]["moved"] == "7 of 8 services have moved."


def test_a_page_of_nothing_is_a_page() -> None:
    page = render(whole_report(services=(), shared=None, head="", entries=0, isolated=None))
    assert "No service has moved yet." in page
    broken = render(whole_report(broken="line 3 was altered"))
    assert 'class="answer wrong"' in broken


def test_what_is_hostile_in_a_name_is_only_text() -> None:
    hostile = "<script>alert(1)</script>"
    report = whole_report(services=(ServiceReport(hostile, "not begun", (), (), None),))
    assert "<script" not in render(report)
    steps = [
        replace(one, step=f"cutover: {hostile}" if n == 1 else one.step) for n, one in enumerate(switch(0))
    ]
    drawn = charts.pause_chart(pauses_of(steps)[0])
    assert "<script" not in drawn


def test_plots_are_whole_svg() -> None:
    report = whole_report()
    load = report.services[0].load
    assert load is not None
    marks = [charts.Mark(BEGAN.timestamp() + 30, 'a "mark" <')]
    for drawn in (
        charts.rate_chart(load, marks, "transactions"),
        charts.time_chart(load, marks, "transaction"),
        charts.pause_chart(report.services[1].pauses[1]),
    ):
        root = ET.fromstring(drawn)  # noqa: S314 (our own)
        right = [float(one.get("x", 0)) + float(one.get("width", 0)) for one in root.iter("rect")]
        assert all(edge <= charts.WIDTH for edge in right)
        assert root.get("aria-label")


def test_a_gap_between_steps_is_no_wider_for_being_long() -> None:
    phases = whole_report().services[1].phases
    segments = timeline(phases, sum(one.seconds or 0 for one in phases))
    assert sum(one.width for one in segments) < 100
    assert any(not one.colour and "nothing for" in one.title for one in segments)


def test_decisions_are_told_in_words() -> None:
    edges = [
        {"edge": LONG, "kind": kind, "action": action, "reason": ""}
        for kind, action in (("view", "drop"), ("view", "copy"), ("table", "move"), ("function", None))
    ]
    words = [one.words for one in chronicle([entry(Kind.DECIDED, "user", edges=edges)], "user").decisions]
    assert words[0] == "is left out: its own database does not have it"
    assert words[2] == "moves along with the service, rows included"
    assert words[3] == "is not decided"


def test_the_tables_of_a_move_are_those_of_its_copy() -> None:
    copied = [{"table": "a.b", "rows": 3, "bytes": 8192, "seconds": 0.1}]
    steps = [
        step(1, "copy from the slot's snapshot", 0, 1, figures={"tables": copied, "rows": 3, "bytes": 8192}),
        step(2, "repair rows of the side that follows", 2, 1, figures={"tables": ["a.b"], "rows": 1}),
        step(3, ARCHIVED, 4, 1, figures={"tables": {"x.b": {"rows": 4, "digest": "ab"}}, "rows": 4}),
    ]
    move = Move(1, "user", "a", "waqiti/test", "online", "finished", BEGAN, BEGAN, BEGAN, "ops@host")
    assert list(service_report(move, steps, [], None).tables) == copied


def test_a_verdict_becomes_digests_by_table() -> None:
    table = {
        "table": 'a."Odd Name"', "equal": True, "rows_source": 3, "rows_target": 3, "digest_source": "ab",
        "digest_target": "ab",
    }  # fmt: skip
    verdict = {"equal": True, "rows": 3, "digest": "md5", "seconds": 1.0, "made": "then", "tables": [table]}
    facts = verified_facts(verdict)
    assert facts["tables"] == {'a."Odd Name"': {"rows": 3, "digest": "ab"}}
    assert (facts["function"], facts["made"]) == ("md5", "then")
    assert "differing" not in facts
    renamed = digest_of_tables({'"b.c"."Odd Name"': {"rows": 3, "digest": "ab"}})
    assert facts["digest"] == renamed
    assert verified_facts({**verdict, "tables": [{**table, "equal": False}]})["differing"] == ['a."Odd Name"']


@pytest.mark.parametrize("name", [("a", "b"), ("A b", 'q"uote'), ("x.y", "z"), ("é", "a\nb")])
def test_a_tables_name_is_read_as_it_is_shown(name: tuple[str, str]) -> None:
    assert TableName.parse(str(TableName(*name))) == TableName(*name)


@pytest.mark.parametrize("text", ["a", "a.b.c", '"a.b', "A.b", ""])
def test_what_is_no_tables_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no name of a table"):
        TableName.parse(text)


def test_a_report_of_long_ago_has_its_hours() -> None:
    long = replace(whole_report().services[0], began=BEGAN - timedelta(days=400))
    assert "user" in render(whole_report(services=(long,)))
