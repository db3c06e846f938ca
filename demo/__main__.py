"""`python -m demo`: up, down, workload, invariants. `script/demo` is the way in for people.

Results go to standard output, progress to standard error. Exit status: 0 done; 1 it could not go on,
one line says why; 3 an invariant is broken; 130 interrupted.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console

from components.problems import ConfigurationError
from core.errors import MigrationError
from core.sessions.stack import read_contract
from demo.environment.home import REPOSITORY, Home, Options
from demo.errors import DemoError, Interrupted
from demo.stages import Stages
from demo.summary import show_demo, show_workload
from demo.workload.invariants import check_invariants
from demo.workload.run import Workload
from demo.workload.service_client import StatementFailed
from servers.errors import ServerError

BROKEN_INVARIANT = 3


class Platform(StrEnum):
    """Where the eight services' instances are."""

    LOCAL = "local"
    DOCKER = "docker"
    KUBERNETES = "kubernetes"


app = typer.Typer(
    name="script/demo",
    help="A shared database of a payments company, split into eight while it works.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
AsJson = Annotated[bool, typer.Option("--json", help="Results as JSON, progress as JSON lines.")]
ContractFile = Annotated[
    Path | None,
    typer.Option("--contract", help="The stack's contract as a file, instead of a stack's output."),
]
StackName = Annotated[str | None, typer.Option("--stack", help="Pulumi stack; default: the selected one.")]


@app.command()
def up(
    *,
    scale: Annotated[
        float, typer.Option(min=0.001, max=100, help="Size of the data; 1 is about 1 GB.")
    ] = 0.1,
    rate: Annotated[float, typer.Option(min=0.1, help="Business transactions a second.")] = 40.0,
    source_version: Annotated[int, typer.Option(help="PostgreSQL of the shared database: 15 to 18.")] = 17,
    platform: Annotated[
        Platform, typer.Option(help="Processes of this machine, containers or a Kubernetes (both as root).")
    ] = Platform.LOCAL,
    context: Annotated[
        str,
        typer.Option(help="Of your kubeconfig, for Kubernetes; default: a cluster of the demo's own."),
    ] = "",
    settings: Annotated[
        Path, typer.Option(help="A stack's file that says what that cluster is like.")
    ] = REPOSITORY / "Pulumi.prod.yaml",
    port_offset: Annotated[int, typer.Option(min=0, max=40000, help="Added to every port.")] = 0,
    keep: Annotated[
        bool, typer.Option("--keep", help="Go on with what the last demo left, instead of removing it first.")
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Move each service while its clients wait; no way back.")
    ] = False,
    monitor: Annotated[
        bool,
        typer.Option("--monitor", help="Watch the services meanwhile, and say what alarmed."),
    ] = False,
    backups: Annotated[
        bool,
        typer.Option(help="Make a restore point, prove a backup, lose a disk and bring it back, too."),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Shared database, workload, pulumi up, migration, summary. Removes an earlier demo first."""
    # Not at the top: the commands that only read need neither Pulumi's settings nor servers.
    from demo.driver import demonstrate

    home = Home.default()
    if monitor and platform is Platform.KUBERNETES:
        raise typer.BadParameter("on Kubernetes nothing watches yet", param_hint="--monitor")
    if context and platform is not Platform.KUBERNETES:
        raise typer.BadParameter("it goes with --platform kubernetes", param_hint="--context")
    options = Options(
        scale, rate, source_version, port_offset, platform.value, monitor, context, str(settings.absolute())
    )
    with home.locked():
        facts = demonstrate(
            home,
            options,
            Stages(as_json=as_json),
            keep=keep,
            offline=offline,
            backups=backups,
            as_json=as_json,
        )
    if as_json:
        _print_json(facts)
    else:
        show_demo(facts, _console())
    if facts["violations"]:
        raise typer.Exit(BROKEN_INVARIANT)


@app.command()
def down(as_json: AsJson = False) -> None:
    """Remove the demo: stack, servers, data."""
    from demo.environment.teardown import tear_down

    home = Home.default()
    stages = Stages(as_json=as_json)
    with home.locked(), stages.stage("demo removed") as stage:
        removed = tear_down(home, stage.now)
        stage.result = str(removed) if removed else "there was none"
    if as_json:
        _print_json(asdict(removed) if removed else {})


@app.command()
def workload(
    *,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long; SIGTERM and Ctrl-C end it before.")],
    folder: Annotated[Path, typer.Option(help="For the journal, the statement log and summary.json.")],
    rate: Annotated[float, typer.Option(min=0, help="Business transactions a second; 0: full speed.")] = 40.0,
    workers: Annotated[int, typer.Option(min=1, max=64)] = 8,
    contract: ContractFile = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Business transactions through the services' endpoints."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    work = Workload(read_contract(stack, contract), folder, rate=rate or None, workers=workers)
    summary = work.run(seconds, stop)
    document = {
        **asdict(summary),
        "failed_statements": summary.failed_statements,
        "per_second": round(summary.per_second, 2),
    }
    (folder / "summary.json").write_text(json.dumps(document, indent=2), encoding="utf-8")
    if as_json:
        _print_json(document)
    else:
        show_workload(document, _console())


@app.command()
def invariants(
    journal: Annotated[Path | None, typer.Option(help="A workload's journal to check against.")] = None,
    contract: ContractFile = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Check that the services' data adds up, through their endpoints, at any moment."""
    violations = check_invariants(read_contract(stack, contract), journal)
    if as_json:
        _print_json({"violations": [asdict(violation) for violation in violations]})
    else:
        for violation in violations:
            sys.stdout.write(f"{violation}\n")
        sys.stdout.write("all invariants hold\n" if not violations else "")
    if violations:
        raise typer.Exit(BROKEN_INVARIANT)


def main() -> int:
    """Run one command; returns the exit status."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    try:
        app(standalone_mode=True)
    except (
        DemoError,
        ServerError,
        MigrationError,
        ConfigurationError,
        StatementFailed,
        psycopg.Error,
    ) as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        return 1
    except Interrupted:
        sys.stderr.write("interrupted; script/demo starts anew, script/demo down removes what is there\n")
        return 130
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted


def _console() -> Console:
    """Standard output; wide enough for the tables when it is no terminal."""
    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)


def _print_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")


if __name__ == "__main__":
    sys.exit(main())
