"""The options that several verbs of the migration share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from core.cli import finite
from migration.physical.choose import Physical

WalLimit = Annotated[
    float,
    typer.Option(
        "--wal-limit",
        min=0.01,
        callback=finite,
        help="GiB of WAL that a slot may keep on the shared server's disk.",
    ),
]
DEFAULT_WAL_GIB = 10.0


Workers = Annotated[
    int | None, typer.Option("--workers", "-w", min=1, max=64, help="Tables copied or compared at once.")
]
PAUSE_TIMEOUT: Any = typer.Option(
    "--pause-timeout",
    min=0.1,
    metavar="SECONDS",
    callback=finite,
    help="How long a transaction under way at the gateway may take to end.",
)
SWITCH_TIMEOUT: Any = typer.Option(
    # PgBouncer ends a client that has waited 60 s for its login.
    "--switch-timeout",
    min=0.5,
    max=30,
    metavar="SECONDS",
    callback=finite,
    help="How long the switch may take once the gateway is paused; then it goes back.",
)
PauseTimeout = Annotated[float, PAUSE_TIMEOUT]
SwitchTimeout = Annotated[float, SWITCH_TIMEOUT]
RateLimit = Annotated[
    float | None,
    typer.Option(
        "--rate-limit",
        min=0.001,
        metavar="MB/S",
        callback=finite,
        help="Copy so many megabytes a second at most, instead of watching the shared database.",
    ),
]
NoThrottle = Annotated[
    bool,
    typer.Option("--no-throttle", help="Copy on at full speed while the shared database answers slowly."),
]
Profiled = Annotated[
    bool, typer.Option("--profile", help="Show where the time of each service's move went, step by step.")
]
PhysicalOption = Annotated[
    Literal["auto", "always", "never"],
    typer.Option(
        "--physical",
        help="Bring tables as files of a base backup instead of copying them: where that is quicker, always"
        " or never.",
    ),
]
DEFAULT_PHYSICAL: Physical = "never"
ReportFolder = Annotated[
    Path | None,
    typer.Option("--report", help="Folder for the report; default: reports/ in the state folder."),
]
