"""The table of what test files cost, from a report as pytest writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.costs import main, read_costs, table

pytestmark = pytest.mark.unit

REPORT = """<?xml version="1.0"?><testsuites><testsuite>
<testcase classname="tests.unit.test_small" name="test_a" time="0.5"/>
<testcase classname="tests.unit.test_small" name="test_b[1]" time="0.25"/>
<testcase classname="tests.acceptance.test_large.TestIt" name="test_c[killed]" time="40.2"/>
<testcase classname="tests.acceptance.test_large.TestIt" name="test_d" time="1.0"/>
</testsuite></testsuites>"""


@pytest.fixture
def report(tmp_path: Path) -> Path:
    file = tmp_path / "report.xml"
    file.write_text(REPORT)
    return file


def test_files_that_cost_most_come_first_and_small_ones_are_summed_up(report: Path) -> None:
    assert list(table(read_costs(report), least=5.0))[2:] == [
        "| tests/acceptance/test_large.py | 2 | 41 | test_c, 40 |",
        "| 1 more of tests/unit | 2 | 1 | |",
        "| all | 4 | 42 | |",
    ]


def test_the_table_replaces_the_one_between_its_marks(
    report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "document.md"
    document.write_text("before\n<!-- costs -->\nold\n<!-- /costs -->\nafter\n")
    assert main([str(report), "--write", str(document)]) == 0
    text = document.read_text()
    assert text.startswith("before\n<!-- costs -->\n| file |")
    assert text.endswith("| all | 4 | 42 | |\n<!-- /costs -->\nafter\n")
    assert "test_large.py: 41 s, not in LONG" in capsys.readouterr().err


def test_a_document_without_marks_is_one_line(
    report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "document.md"
    document.write_text("nothing\n")
    with pytest.raises(SystemExit) as ended:
        main([str(report), "--write", str(document)])
    assert ended.value.code == 2
    assert "has no <!-- costs -->" in capsys.readouterr().err
