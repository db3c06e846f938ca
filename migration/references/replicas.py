"""Columns of other services, kept as read-only tables in a service's own database: the steps of moves.

They follow the shared database as long as that has the other service's rows, at first or by the replication
back; so neither a cutover nor a rollback touches them. `finish` of the other service leads them to its own
database. docs/decisions/0041-references.md says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from components.contract import Contract, Service
from core.errors import WrongState
from core.sessions.stack import source_database
from migration.references.filling import filling
from migration.references.link import follow, try_to_reach, unfollow, unpublish
from migration.references.model import OVER, forget_link, links_of, note_link, read_links
from migration.steps.context import OfflineMove


def make_replicas(move: OfflineMove) -> Mapping[str, Any]:
    """Fill the tables of other services that this one reads, which come with its schema; let them follow.

    Raises WrongState when a service that is read is being finished.
    """
    moves = move.journal.moves()
    links = links_of(move.service, move.own.replicas, moves)
    over = {m.service for m in moves if m.state in OVER}
    for link in links:
        if link.referenced in over:
            raise WrongState(
                f"{move.name} reads {link.referenced}, which is finished or about to be: such references "
                f"have to be made before; use `drop` for them in services.yaml"
            )
    if not links:
        return {"tables": 0}
    rows = 0
    for link in links:
        with filling(move.journal, link):
            with move.source.connect() as connection, move.source.translated("noting a reference"):
                note_link(connection, link)
            rows += follow(move.contract, link)
    return {"tables": len(move.own.replicas), "rows": rows, "links": [link.name for link in links]}


def drop_replicas(move: OfflineMove) -> None:
    """Remove all that `make_replicas` made, on all sides; the tables go with the service's schema."""
    with move.source.connect() as connection, move.source.translated("removing references"):
        links = [link for link in read_links(connection) if link.dependent == move.name]
        if not links:
            return
        for link in links:
            unfollow(move.contract, link)
        for link in links:
            forget_link(connection, link)


def lead_to_own(move: OfflineMove) -> Mapping[str, Any]:
    """Before a service's old copy goes: let those that read it follow its own database."""
    led = []
    with move.source.connect() as connection, move.source.translated("leading references elsewhere"):
        for link in read_links(connection):
            if link.referenced != move.name:
                continue
            if link.publisher == "shared":
                own = replace(link, publisher="own")
                with filling(move.journal, link):
                    follow(move.contract, own)
                    note_link(connection, own)
            # Also after a crash in between, when it is noted already.
            unpublish(move.source, link.name)
            led.append(link.dependent)
    return {"dependents": led}


def require_reachable(contract: Contract, service: Service) -> None:
    """Raise WrongState when services that read this one could not follow its own database.

    To be asked before anything that leads them there for good.
    """
    source = source_database(contract)
    with source.connect() as connection, source.translated("reading the references"):
        links = [link for link in read_links(connection) if link.referenced == service.name]
    for link in links:
        own = replace(link, publisher="own")
        reason = try_to_reach(contract, own) if link.publisher == "shared" else ""
        if reason:
            named = service.name in contract.services[link.dependent].reads
            raise WrongState(
                f"{link.dependent} reads {service.name}, and its server does not get into"
                f" {own.publishing(contract).where} ({reason}): "
                + (
                    ""
                    if named
                    else f"name {service.name} under `reads` of {link.dependent} in services.yaml, "
                )
                + "let it through with `pulumi up`, or end the reference first (docs/runbooks/replicas.md)"
            )
