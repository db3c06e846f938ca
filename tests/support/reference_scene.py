"""Two services of which one reads the other by `reference`, and what can be done with them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from components.contract import CrossingRule, Service
from core.observer import Observer, Unobserved
from core.sessions.connections import Database
from core.sessions.stack import source_database
from migration.examine.read_plan import examine, read_plan
from migration.journal.journal import open_journal
from migration.moves.online import Online
from migration.moves.run_offline import Pace, Prepared, move_service
from migration.plan.model import Plan
from migration.schema.dumps import schema_dumps
from migration.steps.runner import Runner
from tests.support.clusters import Cluster
from tests.support.moves import CROSSING, World, login, world

RULES = (
    CrossingRule(match="foreign key * -> user_schema.users", action="reference", reason="read often"),
    CrossingRule(match="function payment_schema.*", action="reference", reason="asked for each payment"),
    CrossingRule(match="view payment_schema.who -> user_schema.*", action="reference", reason="a report"),
    *CROSSING,
)
VIEW = """
CREATE TYPE user_schema.tier AS ENUM ('free', 'gold');
CREATE DOMAIN user_schema.tiers AS user_schema.tier[] CHECK (cardinality(VALUE) < 9);
ALTER TABLE user_schema.users ADD tiers user_schema.tiers NOT NULL DEFAULT '{free}';
CREATE VIEW payment_schema.who AS
    SELECT p.id, u.email, u.tiers FROM payment_schema.payments p JOIN user_schema.users u ON u.id = p.user_id;
CREATE FUNCTION payment_schema.email_of(which bigint) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT u.email FROM user_schema.users u WHERE u.id = which);
END $$;
CREATE FUNCTION payment_schema.known(which bigint) RETURNS boolean
    BEGIN ATOMIC SELECT EXISTS (SELECT FROM user_schema.users u WHERE u.id = which AND u.email <> ''); END
"""
CALLS = (
    "SELECT p.id, payment_schema.email_of(p.user_id), payment_schema.known(p.user_id) FROM {} p ORDER BY 1"
)


def payments_of(made: World) -> Database:
    """The payment service's own database, as the service sees it."""
    return replace(made.target("payment"), login=login("payment", "service"))


@dataclass(frozen=True)
class Scene:
    """A shared database of users and payments; payments read users."""

    world: World
    online: Online

    def service(self, name: str) -> Service:
        """A service of the contract."""
        return self.world.contract.services[name]

    def start(self, name: str) -> None:
        """Copy a service and let its own database follow."""
        plan = examine(self.world.contract, [self.service(name)])
        plan.check()
        self.online.start(self.service(name), plan)

    def move_offline(self, name: str, plan: Plan, observer: Observer | None = None) -> None:
        """Move a service with its writes stopped."""
        runner = replace(self.online.runner, observer=observer or Unobserved())
        with schema_dumps(self.world.source) as dumps:
            move_service(
                self.world.contract, self.service(name), Prepared(plan, dumps), runner, Pace(workers=1)
            )

    def switch(self, verb: str, name: str) -> None:
        """Cut a service over, or lead it back."""
        act = self.online.cutover if verb == "cutover" else self.online.rollback
        act(self.service(name), read_plan(self.world.contract, [self.service(name)]))

    def write(self, email: str) -> int:
        """A new user, as the user service makes it; returns its id."""
        with self.world.gated["user"].endpoint.connect() as connection:
            row = connection.execute("INSERT INTO users (email) VALUES (%s) RETURNING id", [email]).fetchone()
        assert row is not None
        return int(row[0])

    def payments(self) -> Database:
        """The payment service's own database, as the service sees it."""
        return payments_of(self.world)

    def arrives(self, user: int, email: str | None, seconds: float = 30.0) -> None:
        """Wait until payment's own database has a user's email; None: until it has not that user."""
        deadline = time.monotonic() + seconds
        while True:
            with self.payments().connect() as connection:
                row = connection.execute(
                    "SELECT email FROM user_schema.users WHERE id = %s", [user]
                ).fetchone()
            if (None if row is None else row[0]) == email:
                return
            assert time.monotonic() < deadline, (
                f"user {user} is {row}, not {email}, in payment's own database"
            )
            time.sleep(0.1)

    def traces(self) -> dict[str, list[str]]:
        """What there is of references: on the shared side, on user's own and on payment's own."""
        sides = {
            "shared": self.world.source,
            "user": self.world.target("user"),
            "payment": self.world.target("payment"),
        }
        found = {}
        for side, database in sides.items():
            with database.connect() as connection:
                rows = connection.execute(
                    # Slots are the whole server's, so their names end with the database's.
                    "SELECT 'slot ' || replace(slot_name::text, '_' || current_database(), '')"
                    " FROM pg_replication_slots"
                    " WHERE slot_name LIKE '%%reads%%' AND database = current_database()"
                    " UNION ALL SELECT 'publication ' || pubname FROM pg_publication"
                    " WHERE pubname LIKE '%%reads%%'"
                    " UNION ALL SELECT 'subscription ' || subname FROM pg_subscription s JOIN pg_database d"
                    " ON d.oid = subdbid WHERE subname LIKE '%%reads%%' AND datname = current_database()"
                    " UNION ALL SELECT 'table' FROM pg_tables WHERE schemaname = 'user_schema'"
                    " AND %(payment)s"
                    " UNION ALL SELECT 'type ' || typname FROM pg_type t JOIN pg_namespace n"
                    " ON n.oid = typnamespace WHERE nspname = 'user_schema' AND typtype IN ('d', 'e')"
                    " AND %(payment)s"
                    " UNION ALL SELECT 'schema' FROM pg_namespace WHERE nspname = 'user_schema'"
                    " AND %(payment)s ORDER BY 1",
                    # By the side: databases of two servers may have the same name.
                    {"payment": side == "payment"},
                ).fetchall()
            found[side] = [row[0] for row in rows]
        return found


NONE: dict[str, list[str]] = {"shared": [], "user": [], "payment": []}
FOLLOWING_SHARED = {
    "shared": ["publication waqiti_reads_payment_of_user", "slot waqiti_reads_payment_of_user"],
    "user": [],
    "payment": [
        "schema",
        "subscription waqiti_reads_payment_of_user",
        "table",
        "type tier",
        "type tiers",
    ],
}
FOLLOWING_OWN = {**FOLLOWING_SHARED, "shared": [], "user": FOLLOWING_SHARED["shared"]}


def referring(made: World) -> World:
    """A world whose payments read its users."""
    with made.source.connect() as connection:
        connection.execute(VIEW.encode())
    services = dict(made.contract.services)
    services["payment"] = services["payment"].model_copy(update={"crossing": RULES})
    contract = made.contract.model_copy(update={"services": services})
    made.write_contract(contract)
    return replace(made, contract=contract)


@contextmanager
def referring_world(folder: Path, source: Cluster, target: Cluster) -> Iterator[World]:
    """A world of its own whose payments read its users, 200 of them."""
    with world(folder, source, target, rows=200) as made:
        yield referring(made)


@contextmanager
def played(made: World) -> Iterator[Scene]:
    """The scene in a world, with the operator's lock held."""
    with open_journal(source_database(made.contract), made.contract) as journal:
        yield Scene(made, Online(made.contract, Runner(journal), workers=2))
