"""What a verb in an archive's container says, and what becomes of it here; what crosses as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import errors
from core.errors import ArchiveAway, BackupFailed, MigrationError
from operations.inside.call import Heard
from operations.restore.scratch import Scratch
from operations.restore.target import Target

pytestmark = pytest.mark.unit

OURS = sorted(
    name
    for name, one in vars(errors).items()
    if isinstance(one, type) and issubclass(one, MigrationError) and one.__module__ == errors.__name__
)


def line(kind: str, value: object) -> str:
    return json.dumps({"kind": kind, "value": value})


def test_phases_and_notes_are_told_and_a_result_ends_it() -> None:
    told: list[tuple[str, str]] = []
    heard = Heard(lambda kind, text: told.append((kind, text)))
    for one in (line("phase", "unpacking"), line("note", "10%"), line("result", {"rows": 3})):
        heard.line(one)
    assert told == [("phase", "unpacking"), ("note", "10%")]
    assert (heard.ended, heard.result, heard.error) == (True, {"rows": 3}, None)


@pytest.mark.parametrize("name", OURS)
def test_an_error_comes_back_as_the_one_it_was(name: str) -> None:
    heard = Heard(None)
    heard.line(line("error", {"class": name, "line": "what was seen; what to do"}))
    assert type(heard.error).__name__ == name
    assert str(heard.error) == "what was seen; what to do"


@given(st.text(), st.text())
def test_no_word_of_a_container_becomes_anything_but_an_error_of_ours(name: str, said: str) -> None:
    heard = Heard(None)
    heard.line(line("error", {"class": name, "line": said}))
    assert isinstance(heard.error, MigrationError)


@pytest.mark.parametrize("name", ["Exception", "annotations", "__builtins__", "os", ""])
def test_what_is_no_error_of_ours_is_the_containers_failure(name: str) -> None:
    heard = Heard(None)
    heard.line(line("error", {"class": name, "line": "said"}))
    assert type(heard.error) is ArchiveAway


@given(st.text())
def test_any_other_line_is_kept_as_its_last_words(text: str) -> None:
    heard = Heard(None)
    heard.line(text)
    assert not heard.ended
    assert heard.error is None


def test_a_message_of_another_program_is_last_words() -> None:
    heard = Heard(None)
    for one in ("Traceback (most recent call last):", "  [1]", "", "ImportError: no module"):
        heard.line(one)
    assert heard.last == "ImportError: no module"


def test_errors_keep_their_exit_codes() -> None:
    heard = Heard(None)
    heard.line(line("error", {"class": "BackupFailed", "line": "no room"}))
    assert isinstance(heard.error, BackupFailed)
    assert heard.error.exit_code == 51


@given(
    st.one_of(
        st.just(Target()),
        st.builds(Target, lsn=st.integers(0, 2**64 - 1)),
        st.builds(Target, time=st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC))),
        st.builds(Target, point=st.text(), point_lsn=st.none() | st.integers(0, 2**64 - 1)),
    )
)
def test_a_target_crosses_whole(target: Target) -> None:
    assert Target.of(json.loads(json.dumps(target.as_json()))) == target


@given(
    st.builds(
        Scratch,
        st.just(Path("/a/restored")),
        st.just(Path("/bin")),
        st.none() | st.just(Path("/s")),
        st.none() | st.text(),
        st.lists(st.text()).map(tuple),
    )
)
def test_where_a_restored_instance_is_crosses_whole(scratch: Scratch) -> None:
    assert Scratch.of(json.loads(json.dumps(scratch.as_json()))) == scratch
