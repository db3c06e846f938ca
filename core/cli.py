"""What our command lines share: options, the invocation they run in, how results are shown."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console

from components.contract import Contract, Service
from core.errors import UnknownService
from core.interruption import Interruption
from core.observer import Observer, Unobserved
from core.progress.interface import Progress
from core.progress.make import make_progress
from core.sessions.scrubbing import Scrub, scrubber, unchanged
from core.sessions.stack import choose_services, read_contract

_WIDE = 200


def finite(value: float | None) -> float | None:
    """An option's number; raises BadParameter for `nan` and `inf`, which pass every range."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no number to wait or to limit by")
    return value


Services = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SERVICE]...", help="Services, by their names in the catalogue."),
]
All = Annotated[bool, typer.Option("--all", help="Every service of the catalogue.")]
Stack = Annotated[str | None, typer.Option("--stack", "-s", help="Pulumi stack; default: the selected one.")]
ContractFile = Annotated[
    Path | None,
    typer.Option("--contract", help="Read the contract from this JSON file (mode 600) instead of a stack."),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Results as JSON on stdout, progress as JSON lines on stderr.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@dataclass
class Invocation:
    """One run of the program."""

    observer: Observer = field(default_factory=Unobserved)
    interruption: Interruption = field(default_factory=Interruption)
    as_json: bool = False
    document: dict[str, Any] = field(default_factory=dict)
    """The result so far, for `--json`."""
    one_line: bool = False
    """Whether the result is one line, for logs, instead of indented."""
    scrub: Scrub = unchanged
    """Blots out the contract's passwords, once it is known."""
    out: Console = field(default_factory=lambda: _console(sys.stdout))
    err: Console = field(default_factory=lambda: _console(sys.stderr))

    def contract(self, stack: str | None, file: Path | None) -> Contract:
        """Read the contract, and know from now on what must never be shown."""
        contract = read_contract(stack, file)
        self.scrub = scrubber(contract)
        return contract

    def progress(self) -> Progress:
        """Progress on standard error, in the form that was asked for."""
        return make_progress("json" if self.as_json else "auto")

    def show_json(self, document: Mapping[str, Any]) -> None:
        """Keep a result for standard output; it is written when the command ends, as one document."""
        self.document = {**self.document, **document}

    def finish(self) -> None:
        """Write what `show_json` kept."""
        if self.as_json and self.document:
            sys.stdout.write(
                json.dumps(self.document, indent=None if self.one_line else 2, default=str) + "\n"
            )
        self.document = {}

    def warn(self, line: str) -> None:
        """Say something on standard error that ends nothing."""
        self.err.print(self.scrub(line), markup=False, soft_wrap=True)

    def show_error(self, kind: str, message: str, exit_code: int) -> None:
        """Say in one line what went wrong; with `--json` it is also the result's `error`."""
        text = self.scrub(" ".join(message.split())) or kind
        self.show_json({"error": {"class": kind, "message": text, "exit_code": exit_code}})
        self.finish()
        sys.stderr.write(f"error: {text}\n")


def invocation(context: typer.Context, *, as_json: bool) -> Invocation:
    """The invocation of a command."""
    found = context.obj
    if not isinstance(found, Invocation):
        found = Invocation()
    found.as_json = as_json
    return found


def chosen(contract: Contract, names: list[str] | None, *, everything: bool) -> list[Service]:
    """The services a command is for. Raises UnknownService, also when none was named without `--all`."""
    if not names and not everything:
        raise UnknownService(f"name one or more of {', '.join(contract.services)}, or pass --all")
    if names and everything:
        raise UnknownService("name services or pass --all, not both")
    return choose_services(contract, names or ())


def _console(stream: TextIO) -> Console:
    """Tables as wide as the terminal; off it, wide enough that no cell is broken into lines."""
    return Console(file=stream, highlight=False, width=None if stream.isatty() else _WIDE)
