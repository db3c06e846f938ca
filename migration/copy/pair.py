"""Two psql processes and the pipe between them: the fastest way measured that needs no compiler.

Rows never enter this process: they go from the source's psql through a pipe into the target's, at the
speed of libpq. (A process of Python in between costs a third more; see bench/README.md.) What is left
to do here is to hold the pipe's writing end: the target sees the end of the data, and commits, only
after the source's client has ended well. Otherwise a source that dies would look like a source that is
done.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Event

from psycopg import sql

_PIPE_BYTES = 1024**2
"""Linux's limit for pipes of unprivileged users; fewer switches between the two clients."""

_LOOK_SECONDS = 0.2
_ENDING_SECONDS = 3.0


class Halted(Exception):
    """The pool is ending; not an error of its own."""


@dataclass(frozen=True)
class Client:
    """A psql to start: the program, its connection's environment, and the statements it runs."""

    program: str
    environment: Mapping[str, str]
    application_name: str
    statements: Sequence[sql.Composable]
    quiet: bool
    """Whether it keeps command tags off its standard output, as it must where the rows go there."""

    def argv(self) -> list[str]:
        """The command line; it holds no password (libpq takes that from PGPASSFILE)."""
        options = ["-X", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose"]
        options += ["-v", "SHOW_CONTEXT=never"]
        options += ["-q"] if self.quiet else []
        for statement in self.statements:
            options += ["-c", statement.as_string()]
        # A peer that vanished is noticed in half a minute, not in the kernel's two hours.
        alive = "keepalives_idle=10 keepalives_interval=5 keepalives_count=4 tcp_user_timeout=30000"
        return [self.program, *options, alive]


@dataclass
class _Running:
    process: subprocess.Popen[bytes]
    said: dict[str, bytearray] = field(default_factory=lambda: {"stdout": bytearray(), "stderr": bytearray()})

    def text(self, stream: str) -> str:
        return self.said[stream].decode(errors="replace")


class ClientFailed(Exception):
    """One of the two clients ended badly: which, and what it said on standard error."""

    def __init__(self, *, of_source: bool, said: str) -> None:
        super().__init__(said)
        self.of_source = of_source
        self.said = said


def transfer(source: Client, target: Client, halt: Event, tick: Callable[[], float]) -> str:
    """Run both clients until all that `source` writes is read by `target`, and return what `target` said.

    `tick` is called about five times a second, and returns for how many seconds the source's client shall
    be stopped now. Raises ClientFailed, or Halted soon after `halt` is set;
    both clients have ended when this returns or raises.
    """
    with ExitStack() as stack:
        reading, writing = os.pipe()
        held = _Held(writing)
        stack.callback(held.close)
        with _closing(reading):
            _widen(writing)
            receiver = _start(stack, target, stdin=reading, stdout=subprocess.PIPE)
            sender = _start(stack, source, stdin=subprocess.DEVNULL, stdout=writing)
        selector = stack.enter_context(selectors.DefaultSelector())
        _watch(selector, sender, "stderr")
        _watch(selector, receiver, "stderr")
        _watch(selector, receiver, "stdout")
        while selector.get_map():
            if halt.is_set():
                raise Halted
            for ended in _read(selector):
                if ended is sender:
                    _check_sender(sender, receiver)
                    held.close()
            _check_receiver(sender, receiver)
            _rest(sender, tick(), halt)
        return receiver.text("stdout")


class _Held:
    """A file descriptor that is closed once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)


def _widen(pipe: int) -> None:
    if hasattr(fcntl, "F_SETPIPE_SZ"):  # Linux
        with contextlib.suppress(OSError):  # a smaller limit of this user's: slower, not wrong
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _start(stack: ExitStack, client: Client, *, stdin: int, stdout: int) -> _Running:
    process = subprocess.Popen(
        client.argv(),
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**client.environment, "PGAPPNAME": client.application_name, "PGCLIENTENCODING": "UTF8"},
        # Ctrl-C reaches the operator's process only; it ends its clients in order.
        process_group=0,
    )
    stack.callback(_end, process)
    return _Running(process)


def _rest(sender: _Running, seconds: float, halt: Event) -> None:
    if seconds <= 0 or sender.process.poll() is not None:
        return
    sender.process.send_signal(signal.SIGSTOP)
    try:
        halt.wait(seconds)
    finally:
        sender.process.send_signal(signal.SIGCONT)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a client that we started, if it still runs. Its server rolls back when the socket closes."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _watch(selector: selectors.BaseSelector, running: _Running, stream: str) -> None:
    selector.register(getattr(running.process, stream), selectors.EVENT_READ, (running, stream))


def _read(selector: selectors.BaseSelector) -> Iterator[_Running]:
    """Read what clients say; yield those whose standard error has closed, that is, that have ended."""
    for key, _ in selector.select(_LOOK_SECONDS):
        running, stream = key.data
        data = os.read(key.fd, 65536)
        if data:
            running.said[stream] += data
            continue
        selector.unregister(key.fileobj)
        if stream == "stderr":
            running.process.wait()
            yield running


def _check_sender(sender: _Running, receiver: _Running) -> None:
    code = sender.process.returncode
    if code == 0:
        return
    # The source's client cannot write when the target's has ended: then that one has the cause.
    if code == -signal.SIGPIPE or "Broken pipe" in sender.text("stderr"):
        with contextlib.suppress(subprocess.TimeoutExpired):
            receiver.process.wait(_ENDING_SECONDS)
        if receiver.process.poll() is not None:
            raise ClientFailed(of_source=False, said=_all_said(receiver))
    raise ClientFailed(of_source=True, said=sender.text("stderr"))


def _check_receiver(sender: _Running, receiver: _Running) -> None:
    code = receiver.process.poll()
    if code is None:
        return
    if code != 0:
        raise ClientFailed(of_source=False, said=_all_said(receiver))
    if sender.process.poll() is None:
        raise ClientFailed(of_source=False, said="psql ended before it had read all data")


def _all_said(running: _Running) -> str:
    """All that an ended client said, with what has not been read yet."""
    stream = running.process.stderr
    if stream is not None:
        running.said["stderr"] += stream.read()
    return running.text("stderr")
