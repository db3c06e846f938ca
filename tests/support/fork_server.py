"""Python with our programs imported: `python -m tests.support.fork_server FD` forks one for each request.

A request comes over the socket FD as JSON (`entry`, `arguments`, `environment`, `folder`), with four file
descriptors: the program's input, output and error output, and a pipe. Into that go the program's process
id and, once it has ended, its status as `os.waitpid` gives it, each as a line. The server ends when nobody
holds the other end of the socket.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

REQUEST_BYTES = 1 << 20


def serve(requests: socket.socket) -> None:
    """Fork a program a request, until the other end is closed. Raises SystemExit in a program's process."""
    verbs = {entry: _offered(entry) for entry in ("migration", "operations")}
    while True:
        message, given, _, _ = socket.recv_fds(requests, REQUEST_BYTES, 4)
        if not message:
            return
        asked: dict[str, Any] = json.loads(message)
        # What cannot be imported is met again, and said, in the program's own process.
        with suppress(Exception):
            _import(asked["arguments"], verbs.get(asked["entry"], verbs["migration"]))
        # Who watches over the program is nobody's to wait for.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        watcher = os.fork()
        if watcher == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            requests.close()
            if _watch(given[3]):
                os.close(given[3])
                become(asked["entry"], asked["arguments"], asked["environment"], asked["folder"], given[:3])
            os._exit(0)
        for descriptor in given:
            os.close(descriptor)


def _watch(tell: int) -> bool:
    """Fork; True in the program's process, False in the other one once the program has ended."""
    program = os.fork()
    if program == 0:
        return True
    os.write(tell, f"{program}\n".encode())
    _, status = os.waitpid(program, 0)
    os.write(tell, f"{status}\n".encode())
    return False


def become(
    entry: str, arguments: Sequence[str], environment: Mapping[str, str], folder: str, streams: Sequence[int]
) -> None:
    """Be `python -m ENTRY ARGUMENTS`. Raises SystemExit, so that Python ends as it always does."""
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    encoding = sys.stdout.encoding
    sys.stdin = os.fdopen(0, encoding=encoding, closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding=encoding, errors=sys.stdout.errors, closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding=encoding, errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    sys.argv = [entry, *arguments]
    runpy.run_module(entry, run_name="__main__", alter_sys=True)
    sys.exit(0)


def _offered(entry: str) -> Mapping[str, str]:
    """A program's verbs and their places. Its main module is not kept: it is to be run as one."""
    name = f"{entry}.__main__"
    verbs: Mapping[str, str] = importlib.import_module(name).VERBS
    del sys.modules[name]
    return verbs


def _import(arguments: Sequence[str], verbs: Mapping[str, str]) -> None:
    """The verb's module; never the entry's, which may change others when it is imported, as faults do.

    A verb that there is not is for the program to refuse.
    """
    if arguments and arguments[0] in verbs:
        importlib.import_module(verbs[arguments[0]].partition(":")[0])


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as ours:
        serve(ours)
