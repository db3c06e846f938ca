"""Commands of a program that are imported when they are called: a verb starts without the others."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

Verbs = Mapping[str, str]
"""Names as they are typed, in the order of the help, to `module:name` of a function or of a `typer.Typer`."""


def program(name: str, help: str, verbs: Verbs) -> typer.Typer:
    """A program of these verbs; `python -m NAME` runs it."""

    class Group(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            # For what is said of a verb that there is not.
            self.commands = dict.fromkeys(verbs, typer.main.get_command(nothing))

        def list_commands(self, ctx: Any) -> list[str]:
            return list(verbs)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            return load(cmd_name, verbs[cmd_name]) if cmd_name in verbs else None

    nothing = typer.Typer(add_completion=False)
    nothing.command()(_nothing)
    app = typer.Typer(
        name=f"python -m {name}",
        cls=Group,
        help=help,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    # Without a callback Typer would ask for a command of its own.
    app.callback()(_nothing)
    return app


def _nothing() -> None:
    return None


def load(name: str, where: str) -> TyperCommand | TyperGroup:
    """The command of a verb, whose place is `module:name`."""
    module, _, attribute = where.partition(":")
    found = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        verb, found = found, typer.Typer(add_completion=False)
        found.command(name)(verb)
    command: Any = typer.main.get_command(found)
    command.name = name
    loaded: TyperCommand | TyperGroup = command
    return loaded
