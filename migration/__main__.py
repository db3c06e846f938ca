"""`python -m migration`: plan, run; or step by step start, verify, gates, cutover, rollback, finish, abort.

Results go to standard output, progress and messages to standard error. Exit status: 0 done, 2 wrong
usage, 70 a bug (the log's path is printed), 130 interrupted, and otherwise the error's own code of
`migration.errors`.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import typer
from typer.exceptions import Abort, TyperException

from migration.commands.abort import abort
from migration.commands.common import Invocation
from migration.commands.consistency import consistency
from migration.commands.cutover import cutover
from migration.commands.finish import finish
from migration.commands.gates import gates
from migration.commands.plan import plan
from migration.commands.queries import queries
from migration.commands.references import references
from migration.commands.resume import resume
from migration.commands.rollback import rollback
from migration.commands.run import run
from migration.commands.start import start
from migration.commands.status import status
from migration.commands.verify import verify
from migration.errors import Interrupted, MigrationError, ToolMissing
from migration.liveness import watching
from migration.move import Observer, Unobserved
from servers.errors import ServerError
from servers.paths import state_dir

BUG_EXIT_CODE = 70
"""EX_SOFTWARE of sysexits.h."""

app = typer.Typer(
    name="python -m migration",
    help="Moves each service's data out of the shared database into the service's own.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _verb in (
    plan,
    run,
    start,
    status,
    verify,
    consistency,
    queries,
    references,
    gates,
    cutover,
    rollback,
    resume,
    finish,
    abort,
):
    app.command()(_verb)


def main(arguments: Sequence[str] | None = None, observer: Observer | None = None) -> int:
    """Run one command and return its exit status. Never raises for what a user can bring about."""
    invocation = Invocation(observer=observer or Unobserved())
    try:
        with invocation.interruption.installed(), watching():
            return _dispatch(arguments, invocation)
    except Exception as error:  # noqa: BLE001 (the last line of defence: a bug becomes one line and a log)
        log = _log(invocation, error)
        bug = RuntimeError(f"a bug in this program ({type(error).__name__}); the details are in {log}")
        return _fail(invocation, bug, BUG_EXIT_CODE)


def _dispatch(arguments: Sequence[str] | None, invocation: Invocation) -> int:
    try:
        result: object = typer.main.get_command(app).main(
            args=None if arguments is None else list(arguments),
            prog_name="python -m migration",
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


def _log(invocation: Invocation, error: BaseException) -> Path:
    """Write the traceback, without passwords, where only its owner reads it; returns the path."""
    folder = state_dir() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"migration-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    text = invocation.scrub("".join(traceback.format_exception(error)))
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    return path


if __name__ == "__main__":
    sys.exit(main())
