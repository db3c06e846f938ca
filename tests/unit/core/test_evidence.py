"""Evidence is a chain: what was altered, taken out or put in shows; what a promotion lacks is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.contract import Contract
from core.errors import EvidenceBroken
from core.evidence.chain import Entry, Evidence, Kind, read_chain
from core.evidence.lookup import went_back_and_forth
from core.sessions.connections import Database
from operations.evidence.report import markdown, summary
from operations.promotion.proof import PROMOTION, Wanted, missing
from tests.support.contracts import NOBODY, NOWHERE, make_contract, make_service

pytestmark = pytest.mark.unit


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    return Evidence(_contract(), tmp_path / "evidence" / "one.jsonl")


def _contract(commit: str = "c0ffee", catalogue: str = "d" * 64) -> Contract:
    source = Database("nowhere", "source", NOWHERE, NOBODY)
    made = make_contract(source, [make_service("user")])
    return made.model_copy(update={"commit": commit, "catalogue_digest": catalogue})


def _proven(evidence: Evidence) -> list[Entry]:
    for state in ("moved", "following", "moved"):
        evidence.add(Kind.MOVE, {"state": state, "pause_ms": 12.5}, service="user")
    evidence.add(Kind.VERIFIED, {"equal": True, "rows": 1200, "digest": "ab" * 16}, service="user")
    evidence.add(Kind.RESTORED, {"sound": True}, service="user")
    evidence.add(Kind.ISOLATION, {"tried": 20, "breaches": []})
    evidence.add(Kind.SIGNED, {"stage": PROMOTION, "by": "A. Board", "note": "seen"})
    return evidence.read()


def _wanted(**changes: object) -> Wanted:
    given = {
        "stack": "low",
        "commit": "c0ffee",
        "catalogue": "d" * 64,
        "services": ("user",),
        "backed_up": ("user",),
    }
    return Wanted(**{**given, **changes})  # type: ignore[arg-type]


def test_what_was_added_is_read_back_and_says_what_was_deployed(evidence: Evidence) -> None:
    evidence.add(Kind.ISOLATION, {"breaches": []})
    evidence.add(Kind.ISOLATION, {"breaches": ["one"]})
    kinds = [one.kind for one in evidence.read()]
    assert kinds == [Kind.DEPLOYED, Kind.ISOLATION, Kind.ISOLATION]
    other = Evidence(_contract("another"), evidence.file)
    assert other.note_deployed()[-1].commit == "another"
    assert len(other.note_deployed()) == 4


@pytest.mark.parametrize("harm", ["altered", "taken out", "put in", "turned round", "cut off"])
def test_a_chain_that_was_tampered_with_is_refused(evidence: Evidence, harm: str) -> None:
    _proven(evidence)
    lines = evidence.file.read_text().splitlines(keepends=True)
    if harm == "altered":
        lines[2] = (
            lines[2].replace("following", "moved")
            if "following" in lines[2]
            else lines[2].replace("1", "2", 1)
        )
    elif harm == "taken out":
        del lines[3]
    elif harm == "put in":
        lines.insert(3, lines[2])
    elif harm == "turned round":
        lines[2], lines[3] = lines[3], lines[2]
    else:
        lines[-1] = lines[-1][:-9]
    evidence.file.write_text("".join(lines))
    with pytest.raises(EvidenceBroken):
        read_chain(evidence.file)


def test_no_byte_can_be_altered_unseen(evidence: Evidence) -> None:
    evidence.add(Kind.SIGNED, {"stage": PROMOTION, "by": "A. Board"})
    whole = evidence.file.read_bytes()
    harms = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))]
    harms += [whole[:at] + b" " + whole[at:] for at in range(len(whole) + 1)]
    harms += [whole.replace(b"\n", b"\r\n"), whole[:-1], whole + b"\n"]
    for altered in harms:
        evidence.file.write_bytes(altered)
        with pytest.raises(EvidenceBroken):
            read_chain(evidence.file)


def test_nothing_is_missing_where_all_was_proven(evidence: Evidence) -> None:
    assert missing(_proven(evidence), _wanted()) == []


def test_each_thing_that_is_missing_is_named(evidence: Evidence) -> None:
    entries = _proven(evidence)
    without = {
        kind: missing([one for one in entries if one.kind != kind], _wanted())
        for kind in (Kind.DEPLOYED, Kind.MOVE, Kind.VERIFIED, Kind.RESTORED, Kind.ISOLATION, Kind.SIGNED)
    }
    counts = {kind: len(lines) for kind, lines in without.items()}
    assert counts == {**dict.fromkeys(without, 1), Kind.MOVE: 2}
    assert "deployment" in without[Kind.DEPLOYED][0]
    assert "signature" in without[Kind.SIGNED][0]
    late = datetime.now(UTC) + timedelta(days=8)
    assert ["backup" in line for line in missing(entries, _wanted(), late)] == [True]
    assert "B. Other's signature" in missing(entries, _wanted(signers=("B. Other",)))[0]
    assert "commit them" in missing(entries, _wanted(commit="c0ffee-dirty"))[0]
    assert len(missing(entries, _wanted(catalogue="e" * 64))) == 3


def _alarms(evidence: Evidence, **changes: object) -> list[Entry]:
    facts = {"fired": ["Deadlocks of user"], "firing": [], "unhealthy": [], "watched": ["user"], "rules": 29}
    evidence.add(Kind.ALARMS, {**facts, **changes})
    return evidence.read()


def test_where_a_stack_is_watched_its_alarms_are_to_be_proven(evidence: Evidence) -> None:
    wanted = _wanted(watched=True)
    (none,) = missing(_proven(evidence), wanted)
    assert "what alarmed within 7 days (`python -m operations alarms --stack low`)" in none
    (silent,) = missing(_alarms(evidence, fired=[]), wanted)
    assert "alarms --stack low --try user" in silent
    others = missing(
        _alarms(evidence, unhealthy=["CacheLow"], watched=[], firing=["DiskFilled of user"]), wanted
    )
    assert [line.split(":")[0] for line in others] == ["rules that can be evaluated", "user", "quiet alarms"]
    assert missing(_alarms(evidence), wanted) == []
    late = datetime.now(UTC) + timedelta(days=8)
    assert any("what alarmed" in line for line in missing(evidence.read(), wanted, late))


def test_there_and_back_needs_all_three() -> None:
    assert went_back_and_forth(["moved", "following", "moved"])
    assert not went_back_and_forth(["following", "moved"])
    assert not went_back_and_forth(["moved", "following"])


def test_the_page_answers_first(evidence: Evidence) -> None:
    entries = _proven(evidence)
    found = summary(entries, project="p", stack="s", commit="c0ffee", catalogue="d" * 64, services=["user"])
    page = markdown(found)
    assert "all 1 services have moved, 1,200 rows compared, none lost" in page.splitlines()[2]
    assert "A. Board: promotion" in page
    assert page.rstrip().endswith(f"`{entries[-1].digest}`.")
