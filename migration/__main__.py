"""`python -m migration`: plan, run; or step by step start, verify, gates, cutover, rollback, finish, abort.

Results go to standard output, progress and messages to standard error. Exit status: 0 done, 2 wrong
usage, 70 a bug (the log's path is printed), 130 interrupted, and otherwise the error's own code of
`core.errors`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from core.cli import Invocation
from core.observer import Observer, Unobserved
from core.program import run
from core.verbs import program

VERBS = {
    "init": "migration.commands.init:init",
    "config": "migration.applications.command:config",
    "plan": "migration.commands.plan:plan",
    "run": "migration.commands.run:run",
    "rehearse": "migration.commands.ahead.rehearse:rehearse",
    "start": "migration.commands.start:start",
    "status": "migration.commands.status:status",
    "verify": "migration.commands.verify:verify",
    "consistency": "migration.commands.consistency:consistency",
    "queries": "migration.commands.queries:queries",
    "references": "migration.commands.references:references",
    "report": "migration.report.command:report",
    "sign": "migration.commands.sign:sign",
    "relogin": "migration.replicate.relogin:relogin",
    "gates": "migration.commands.gates:gates",
    "cutover": "migration.commands.cutover:cutover",
    "rollback": "migration.commands.ways_back.rollback:rollback",
    "resume": "migration.commands.resume:resume",
    "finish": "migration.commands.finish:finish",
    "abort": "migration.commands.abort:abort",
}

app = program(
    "migration", "Moves each service's data out of the shared database into the service's own.", VERBS
)


def main(arguments: Sequence[str] | None = None, observer: Observer | None = None) -> int:
    """Run one command and return its exit status. Never raises for what a user can bring about."""
    return run(app, "migration", arguments, Invocation(observer=observer or Unobserved()))


if __name__ == "__main__":
    sys.exit(main())
