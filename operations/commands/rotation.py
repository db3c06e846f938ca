"""`rotation`: how far rotations are."""

from __future__ import annotations

import typer
from rich.table import Table as Grid

from core.cli import AsJson, ContractFile, Services, Stack, invocation
from core.sessions.stack import choose_services
from operations.rotation.users import users

app = typer.Typer(add_completion=False, no_args_is_help=True, help="How far rotations of logins are.")


@app.callback()
def _rotation() -> None:
    """How far rotations of logins are."""


@app.command("status")
def status(
    context: typer.Context,
    *,
    services: Services = None,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Show each service's login, those that are to go, and who uses these: where, since when."""
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    chosen = choose_services(agreed, services or [])
    found = {service.name: users(agreed, service) for service in chosen}
    if as_json:
        here.show_json(
            {
                "services": {
                    service.name: {
                        "login": service.login.name,
                        "rotations": service.turns,
                        "previous": list(service.previous),
                        "users": [one.as_json() for one in found[service.name]],
                    }
                    for service in chosen
                }
            }
        )
        return
    grid = Grid("service", "login", "valid still", "used by")
    for service in chosen:
        used = "\n".join(map(str, found[service.name])) or ("nobody" if service.previous else "")
        grid.add_row(service.name, service.login.name, "\n".join(service.previous), used)
    here.out.print(grid)
