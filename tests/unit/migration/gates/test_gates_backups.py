"""The gate that asks for a proof of the backups, as a value; and that it reads what `operations` writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from migration.gates.backups import LastProof, judge, last_proof
from operations.backup.archive import Archive
from operations.proof.results import Proof, keep_proof

pytestmark = pytest.mark.unit


def test_a_young_proof_is_a_go() -> None:
    assert judge("user", LastProof(1000.0, True, ""), 2000.0, 1.0).verdict == "go"


@pytest.mark.parametrize("found", [None, LastProof(1000.0, True, "")])
def test_none_or_an_old_one_is_a_warning_with_its_remedy(found: LastProof | None) -> None:
    gate = judge("user", found, 1_000_000.0, 168.0)
    assert (gate.verdict, gate.advice) == ("warn", "python -m operations proof user")


@pytest.mark.parametrize("found", [None, LastProof(1000.0, True, "")])
def test_where_services_yaml_names_a_limit_it_is_a_no_go(found: LastProof | None) -> None:
    gate = judge("user", found, 1_000_000.0, 168.0, demanded=True)
    assert (gate.verdict, gate.overridable, gate.advice) == ("no-go", True, "python -m operations proof user")
    young = judge("user", LastProof(1000.0, True, ""), 2000.0, 1.0, demanded=True)
    assert young.verdict == "go"


def test_a_proof_that_failed_is_a_no_go_that_says_why() -> None:
    gate = judge("user", LastProof(1999.0, False, "base.tar.zst is damaged"), 2000.0, 1.0)
    assert gate.verdict == "no-go"
    assert "base.tar.zst is damaged" in gate.figure


def test_the_gate_reads_the_newest_result_that_is_kept(tmp_path: Path) -> None:
    archive = Archive("user", tmp_path, "slot", tmp_path, {})
    archive.state.mkdir()
    assert last_proof(tmp_path) is None
    keep_proof(archive, Proof("20260101T000000", 1.0, True))
    keep_proof(archive, Proof("20260102T000000", 2.0, False, "one bit"))
    assert last_proof(tmp_path) == LastProof(2.0, False, "one bit")


def test_a_file_that_is_no_result_is_none(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "proofs.jsonl").write_text("[]\n")
    assert last_proof(tmp_path) is None
