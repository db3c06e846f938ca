"""`python -m operations`: what keeps the services' databases, after the deploy and beside the migration.

Results go to standard output, progress and messages to standard error. Exit status: 0 done, 2 wrong
usage, 70 a bug (the log's path is printed), 130 interrupted, and otherwise the error's own code.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from core.cli import Invocation
from core.observer import Observer, Unobserved
from core.program import run
from core.verbs import program
from operations.commands.offered import VERBS

app = program(
    "operations", "Keeps each service's database: backups, restores, and the proof that they work.", VERBS
)


def main(arguments: Sequence[str] | None = None, observer: Observer | None = None) -> int:
    """Run one command and return its exit status. Never raises for what a user can bring about."""
    return run(app, "operations", arguments, Invocation(observer=observer or Unobserved()))


if __name__ == "__main__":
    sys.exit(main())
