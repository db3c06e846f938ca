"""What progress prints, to the letter: on a terminal, as plain lines, as JSON."""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from core.progress.as_json import JsonProgress
from core.progress.interface import Progress, Silent
from core.progress.lines import LineProgress
from core.progress.live import LiveProgress
from core.progress.make import make_progress

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parent / "golden"
MB = 10**6


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def tell(progress: Progress, clock: Clock, look: Callable[[], None] = lambda: None) -> None:
    """A copy of three tables and two indexes, in two minutes."""
    progress.phase("copy", 1500 * MB)
    progress.table("payment_schema.payments", 1000 * MB)
    progress.table("user_schema.users", 400 * MB)
    for _ in range(4):
        clock.now += 5
        progress.advance("payment_schema.payments", 250 * MB, 2_000_000)
        progress.advance("user_schema.users", 50 * MB, 615)
    look()
    progress.done("payment_schema.payments", 8_000_001, 1000 * MB, 20.0)
    progress.table('wallet_schema."Wallets"')
    progress.note("wallet: 1 slot was left by an earlier run and is used again")
    clock.now += 5
    progress.held("commits took the source 40 ms, 2 before; working 25% of the time")
    progress.advance('wallet_schema."Wallets"', 3000, 7)
    look()
    progress.done('wallet_schema."Wallets"', 7, 3000, 5.0)
    progress.done("user_schema.users", 5000, 400 * MB, 26.5)
    clock.now += 5
    progress.phase("indexes", 2, "steps")
    progress.table("payments_pkey")
    clock.now += 1
    progress.advance("payments_pkey", 0, 0)
    progress.done("payments_pkey", 0, 0, 1.0)
    look()
    clock.now += 90
    progress.table("users_pkey")
    progress.done("users_pkey", 0, 0, 1.0)
    progress.close()
    progress.close()


def assert_golden(name: str, text: str) -> None:
    """Equal to the file; WAQITI_WRITE_GOLDEN=1 writes it anew, to be read before it is committed."""
    path = GOLDEN / name
    if os.environ.get("WAQITI_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_plain_lines() -> None:
    stream, clock = io.StringIO(), Clock()
    with LineProgress(stream, clock) as progress:
        tell(progress, clock)
    assert_golden("progress_lines.txt", stream.getvalue())


def test_json_lines() -> None:
    stream, clock = io.StringIO(), Clock()
    with JsonProgress(stream, clock) as progress:
        tell(progress, clock)
    for line in stream.getvalue().splitlines():
        assert {"event", "phase", "seconds"} <= json.loads(line).keys()
    assert_golden("progress_json.txt", stream.getvalue())


@pytest.mark.parametrize("width", [100, 60])
def test_the_table_on_a_terminal(width: int) -> None:
    screen, clock = io.StringIO(), Clock()
    console = Console(file=io.StringIO(), width=width, height=24, force_terminal=True)
    picture = Console(file=screen, width=width, color_system=None)
    progress = LiveProgress(io.StringIO(), clock, console)
    with progress:
        tell(progress, clock, lambda: picture.print(progress.render()))
    lines = "".join(f"{line.rstrip()}\n" for line in screen.getvalue().splitlines())
    assert_golden(f"progress_live_{width}.txt", lines)


def test_a_phase_leaves_one_line_on_the_terminal() -> None:
    stream, clock = io.StringIO(), Clock()
    console = Console(file=stream, width=100, height=24, color_system=None)
    with LiveProgress(stream, clock, console) as progress:
        tell(progress, clock)
    assert "copy: 3 done, 8,005,008 rows, 1.4 GB, 47 MB/s in 30 s\n" in stream.getvalue()
    assert "indexes: 2 done in 1 min 31 s\n" in stream.getvalue()


def test_no_color_means_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = io.StringIO()
    progress = LiveProgress(stream, Clock(), Console(file=stream, force_terminal=True, highlight=False))
    with progress:
        progress.phase("copy", 100)
        progress.table("a.b", 100)
        progress.note("a note")
    for colour in ("\x1b[3", "\x1b[9", "\x1b[4"):
        assert colour not in stream.getvalue()


def test_a_thousand_tables_a_second_do_not_flood_a_log() -> None:
    stream, clock = io.StringIO(), Clock()
    with LineProgress(stream, clock) as progress:
        progress.phase("copy", 60_000)
        for number in range(60_000):
            clock.now += 0.001
            progress.table(f"t{number}", 1)
            progress.done(f"t{number}", 1, 1, 0.001)
    assert len(stream.getvalue().splitlines()) <= 60 / 5 + 2


def test_a_share_of_100_percent_is_shown_only_when_all_is_done() -> None:
    stream, clock = io.StringIO(), Clock()
    with LineProgress(stream, clock) as progress:
        progress.phase("copy", 1000)
        progress.table("underestimated", 1000)
        clock.now += 6
        progress.advance("underestimated", 5000, 1)
    assert "100%" not in stream.getvalue().splitlines()[1].split("now")[1]


@pytest.mark.parametrize("kind", [LineProgress, JsonProgress])
def test_many_threads_lose_no_row(kind: type[LineProgress] | type[JsonProgress]) -> None:
    stream = io.StringIO()

    def work(progress: Progress, name: str) -> None:
        progress.table(name, 1000)
        for _ in range(1000):
            progress.advance(name, 1, 1)

    with kind(stream) as progress:
        progress.phase("copy", 8000)
        threads = [threading.Thread(target=work, args=(progress, f"t{n}")) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert "8,000 rows" in stream.getvalue() or '"rows": 8000' in stream.getvalue()


def test_a_name_that_nobody_announced_is_no_error() -> None:
    for progress in (Silent(), LineProgress(io.StringIO()), JsonProgress(io.StringIO())):
        with progress:
            progress.advance("x", 1, 1)
            progress.done("y", 1, 1, 1.0)
            progress.note("z")


def test_off_a_terminal_progress_is_plain_lines_and_goes_to_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with make_progress() as progress:
        progress.phase("copy", 5)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("copy: 5 B to go\n")
    assert isinstance(progress, LineProgress)


def test_a_phase_is_named_after_the_service_it_is_of_once() -> None:
    stream, clock = io.StringIO(), Clock()
    with LineProgress(stream, clock) as progress:
        progress.phase("plan", 1, "steps")
        progress.about("user")
        progress.phase("copy", 1000)
        progress.phase("user: indexes", 1, "steps")
        progress.about("payment")
        progress.phase("copy", 1000)
    begun = [line.split(" ")[:2] for line in stream.getvalue().splitlines() if "to go" in line]
    assert begun == [["plan:", "1"], ["user:", "copy:"], ["user:", "indexes:"], ["payment:", "copy:"]]
