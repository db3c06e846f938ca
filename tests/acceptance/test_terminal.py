"""What a person sees on a terminal of 80 columns while a service moves, as the terminal gets it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator

import pytest

from tests.support.clusters import Clusters
from tests.support.moves import World, default_world

pytestmark = pytest.mark.acceptance

COLUMNS, LINES = 80, 24
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOURS = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-7]|4[0-7]|9[0-7]|38|48)[;m]")


class Terminal:
    """A pseudo-terminal with a verb running in it."""

    def __init__(self, made: World, *arguments: str, **environment: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        inherited = {k: v for k, v in made.environment().items() if k not in {"NO_COLOR", "COLUMNS", "LINES"}}
        self._process = subprocess.Popen(
            made.command(*arguments),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**inherited, "TERM": "xterm-256color", **environment},
        )
        os.close(theirs)
        self.written = ""

    def read_until(self, pattern: str | None, seconds: float = 120.0) -> None:
        """Read until something matches, or (None) until the verb has ended."""
        deadline = time.monotonic() + seconds
        while pattern is None or not re.search(pattern, self.seen):
            ready, _, _ = select.select([self._ours], [], [], 0.2)
            try:
                data = os.read(self._ours, 65536) if ready else b""
            except OSError:  # Linux's way to say that the other side was closed
                break
            self.written += data.decode(errors="replace")
            assert time.monotonic() < deadline, f"waited for {pattern} and saw {self.seen[-2000:]}"

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def close(self) -> int:
        """Read to the end; returns the exit status."""
        self.read_until(None)
        os.close(self._ours)
        return self._process.wait(60)

    @property
    def seen(self) -> str:
        """All that was ever on the screen, line after line; going up to draw again begins a new one."""
        return ESCAPES.sub(lambda found: "\n" if found[0][-1] in "AK" else "", self.written).replace("\r", "")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[World]:
    with default_world(tmp_path_factory.mktemp("terminal"), clusters, rows=300, services=("user",)) as made:
        for name in ("history", "statements"):
            made.add_large_table(name)
        yield made


@pytest.fixture(scope="module")
def start(shared: World) -> Terminal:
    """A start that was watched to its end."""
    terminal = Terminal(shared, "start", "user", "--yes", "--workers", "1", "--rate-limit", "20")
    assert terminal.close() == 0, terminal.seen
    return terminal


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("service and phase", r"user: copy +done +time"),
        ("each table and its share", r"user_schema\.history +\d+% +\d"),
        ("amount, rate and time left", r"\d+ MB of \d+ MB, [\d.]+ MB/s, [\d.]+ s left"),
        ("why it is held back", r"held back: --rate-limit is 20 MB/s"),
        ("what is over, in one line", r"user: copy: 5 done, 60,603 rows, \d+ MB, [\d.]+ MB/s in "),
        ("where the service is in the end", r"user +│ following"),
    ],
)
def test_a_person_sees(start: Terminal, what: str, pattern: str) -> None:
    assert re.search(pattern, start.seen), f"{what} was never on the screen: {start.seen[-3000:]}"


def test_no_table_is_wider_than_the_terminal(start: Terminal) -> None:
    drawn = [line for line in start.seen.splitlines() if "%" in line or "│" in line or "━" in line]
    assert drawn
    assert max(len(line.rstrip()) for line in drawn) <= COLUMNS


def test_the_cursor_is_given_back(start: Terminal) -> None:
    assert start.written.count("\x1b[?25l") == start.written.count("\x1b[?25h") > 0


def test_status_is_watched_until_ctrl_c_and_fits(shared: World, start: Terminal) -> None:
    terminal = Terminal(shared, "status", "--watch", "--interval", "0.2")
    terminal.read_until(r"user +│ following │ source +│ shared │ [\d.]+ k?B behind")
    terminal.interrupt()
    assert terminal.close() == 0
    assert not [line for line in terminal.seen.splitlines() if len(line) > COLUMNS]
    assert COLOURS.search(terminal.written) is None


def test_no_color_is_honoured(shared: World, start: Terminal) -> None:
    for environment, coloured in ({}, True), ({"NO_COLOR": "1"}, False):
        terminal = Terminal(shared, "gates", "user", **environment)
        assert terminal.close() == 0, terminal.seen
        assert (COLOURS.search(terminal.written) is not None) == coloured
        for name in ("replica-identity", "long-transactions", "round-the-gateway"):
            assert name in terminal.seen, "a gate's name is what --skip-gate takes"
