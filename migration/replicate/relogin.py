"""`relogin`: new passwords for the logins by which a service's two sides follow each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Literal

import typer

from components.contract import Contract, Service
from components.replication_roles import flow_name
from core.cli import All, AsJson, ContractFile, Services, Stack, chosen, invocation
from core.sessions.stack import source_database, target_database
from migration.journal.journal import open_journal
from migration.replicate.login import subscribe_with_own_login
from migration.replicate.subscription import Subscription

Direction = Literal["forward", "back"]


def relogin(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Draw new passwords for the replication of services that move; it goes on where it was.

    Nobody else knows these passwords: a subscription's login is good for following one service alone.
    """
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=everything)
    with open_journal(source_database(agreed), agreed):
        done = {service.name: list(renew(agreed, service)) for service in wanted}
    if as_json:
        here.show_json({"services": done})
        return
    for name, renewed in done.items():
        here.out.print(f"{name}: {', '.join(renewed) or 'nothing follows'}", markup=False)


def renew(contract: Contract, service: Service) -> Iterator[str]:
    """Give each subscription of the service that there is a login with a new password; its name.

    Raises AuthenticationFailed where the login cannot be made, and what connecting raises.
    """
    source, target = source_database(contract), target_database(service)
    directions: tuple[Direction, ...] = ("forward", "back")
    for direction in directions:
        subscriber, publisher = (target, source) if direction == "forward" else (source, target)
        name = flow_name(service.name, direction)
        with closing(subscriber.connect()) as there, closing(publisher.connect()) as session:
            subscription = Subscription(there, name)
            with subscriber.translated(f"asking for the subscription {name}"):
                state = subscription.state()
            if state is None:
                continue
            with subscriber.translated(f"renewing the login of the subscription {name}"):
                subscribe_with_own_login(subscription, name, publisher, session, enabled=state.enabled)
        yield name
