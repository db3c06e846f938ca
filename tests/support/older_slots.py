"""A move's slots as a version of this program left them that did not put the database into their names."""

from __future__ import annotations

from typing import Any, Literal

import psycopg
from psycopg import sql

from components.replication_roles import flow_name, server_wide
from tests.support.moves import World
from tests.support.waiting import wait_until


def make_slots_older(world: World, service: str) -> None:
    """Give the slots of both directions the names of before, with the subscriptions that read them."""
    own, shared = world.target(service), world.source
    with shared.connect() as there, own.connect() as here:
        _older(service, "forward", there, here)
        _older(service, "back", here, there)


def _older(
    service: str,
    direction: Literal["forward", "back"],
    publisher: psycopg.Connection[Any],
    subscriber: psycopg.Connection[Any],
) -> None:
    name = flow_name(service, direction)
    row = subscriber.execute(
        "SELECT subenabled FROM pg_subscription JOIN pg_database d ON d.oid = subdbid"
        " WHERE subname = %s AND datname = current_database()",
        [name],
    ).fetchone()
    if row is None:
        return
    subscription, slot = sql.Identifier(name), server_wide(name, publisher.info.dbname)
    subscriber.execute(sql.SQL("ALTER SUBSCRIPTION {} DISABLE").format(subscription))
    there = "SELECT active FROM pg_replication_slots WHERE slot_name = %s"
    wait_until(lambda: publisher.execute(there, [slot]).fetchone() in {None, (False,)}, seconds=30)
    if publisher.execute(there, [slot]).fetchone() is not None:
        publisher.execute("SELECT pg_copy_logical_replication_slot(%s, %s)", [slot, name])
        publisher.execute("SELECT pg_drop_replication_slot(%s)", [slot])
    subscriber.execute(
        sql.SQL("ALTER SUBSCRIPTION {} SET (slot_name = {})").format(subscription, sql.Literal(name))
    )
    if row[0]:
        subscriber.execute(sql.SQL("ALTER SUBSCRIPTION {} ENABLE").format(subscription))
