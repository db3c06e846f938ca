"""`rotate`: new logins for a service's applications, or new passwords for our own programs."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli import AsJson, Invocation, Stack, invocation
from core.sessions.stack import choose_services
from operations.project import project_folder
from operations.rotation import rotate as steps
from operations.rotation.rotate import Rotated
from operations.rotation.stack_settings import StackSettings


def rotate(
    context: typer.Context,
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="Its name in the catalogue.")],
    *,
    finish: Annotated[
        bool, typer.Option("--finish", help="End the old logins, once nobody uses them.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="With --finish: although somebody does; sessions last on.")
    ] = False,
    own: Annotated[
        bool,
        typer.Option(
            "--own", help="New passwords of administrator, migration, monitoring, backup and gateway."
        ),
    ] = False,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Give a service's applications and schema migrations other logins; the present ones stay valid, too.

    The numbers of the rotation go into the stack's settings: commit them.
    """
    here = invocation(context, as_json=as_json)
    if (finish and own) or (force and not finish):
        raise typer.BadParameter("--finish and --own are two things to do, and --force goes with --finish")
    contract = here.contract(stack, None)
    (chosen,) = choose_services(contract, [service])
    settings = StackSettings(project_folder(), contract.project, stack or contract.stack)
    if finish:
        counts = steps.finish(settings, contract, chosen, force=force)
    else:
        counts = steps.own(settings, chosen) if own else steps.rotate(settings, chosen)
    with here.progress() as progress:
        progress.about(service)
        done = steps.bring_up(settings, contract, chosen, counts, progress.phase)
    if as_json:
        here.show_json(done.as_json())
    else:
        _show(here, done, settings)


def _show(here: Invocation, done: Rotated, settings: StackSettings) -> None:
    here.out.print(f"{done.service}: applications log in as {done.login}", markup=False)
    if done.previous:
        here.out.print(
            f"valid still: {', '.join(done.previous)}; `python -m operations rotation status {done.service}`"
            f" shows who uses them, `rotate {done.service} --finish` ends them",
            markup=False,
            soft_wrap=True,
        )
    here.out.print(f"commit {settings.file.name}", markup=False)
