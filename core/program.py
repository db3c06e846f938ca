"""One run of a command-line program of ours: whatever happens ends in one line and an exit status."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import typer
from typer.exceptions import Abort, TyperException

from core.cli import Invocation
from core.errors import Interrupted, MigrationError, ToolMissing
from core.sessions.liveness import watching
from servers.errors import ServerError
from servers.paths import state_dir

BUG_EXIT_CODE = 70
"""EX_SOFTWARE of sysexits.h."""


def run(app: typer.Typer, name: str, arguments: Sequence[str] | None, invocation: Invocation) -> int:
    """Run one command of `app` (`python -m NAME`) and return its exit status.

    Never raises for what a user can bring about. A bug becomes one line and a log that only its owner reads.
    """
    try:
        with invocation.interruption.installed(), watching():
            return _dispatch(app, name, arguments, invocation)
    except Exception as error:  # noqa: BLE001 (the last line of defence: a bug becomes one line and a log)
        log = _log(name, invocation, error)
        bug = RuntimeError(f"a bug in this program ({type(error).__name__}); the details are in {log}")
        return _fail(invocation, bug, BUG_EXIT_CODE)


def _dispatch(app: typer.Typer, name: str, arguments: Sequence[str] | None, invocation: Invocation) -> int:
    try:
        result: object = typer.main.get_command(app).main(
            args=None if arguments is None else list(arguments),
            prog_name=f"python -m {name}",
            standalone_mode=False,
            obj=invocation,
        )
        invocation.finish()
        sys.stdout.flush()
    except MigrationError as error:
        return _fail(invocation, error, error.exit_code)
    except ServerError as error:
        return _fail(invocation, error, ToolMissing.exit_code)
    except (Abort, KeyboardInterrupt):
        return _fail(invocation, Interrupted("interrupted; nothing was begun"), Interrupted.exit_code)
    except TyperException as error:
        return _fail(invocation, error, error.exit_code)
    except BrokenPipeError:
        # The reader of our output went away (`| head`); Python must not complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result if isinstance(result, int) else 0


def _fail(invocation: Invocation, error: BaseException, exit_code: int) -> int:
    text = error.format_message() if isinstance(error, TyperException) else str(error)
    invocation.show_error(type(error).__name__, text, exit_code)
    return exit_code


def _log(name: str, invocation: Invocation, error: BaseException) -> Path:
    folder = state_dir() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    text = invocation.scrub("".join(traceback.format_exception(error)))
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    return path
