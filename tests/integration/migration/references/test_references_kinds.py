"""A policy, a rule, a procedure and a trigger that read another service go on over its replica."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from components.contract import CrossingRule, Login
from core.sessions.connections import Database
from migration.references.link import follow, unfollow
from migration.references.model import Link
from tests.support.clusters import Cluster
from tests.support.gateways import ensure_login
from tests.support.moves import APPLICATION
from tests.support.moving import PASSWORD, Split, split

pytestmark = pytest.mark.integration

SHARED = """
CREATE SCHEMA user_schema; CREATE SCHEMA pay_schema;
GRANT USAGE ON SCHEMA user_schema, pay_schema TO shared_application;
CREATE TYPE user_schema.state AS ENUM ('open', 'closed');
CREATE TABLE user_schema.users (id int PRIMARY KEY, state user_schema.state NOT NULL, handle text);
INSERT INTO user_schema.users VALUES (1, 'open', 'ann'), (2, 'closed', 'bob');
CREATE TABLE pay_schema.pays (id int PRIMARY KEY, user_id int NOT NULL);
CREATE TABLE pay_schema.log (pay int, handle text);
CREATE FUNCTION pay_schema.known() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM user_schema.users u WHERE u.id = NEW.user_id) THEN RAISE 'nobody'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER known BEFORE INSERT ON pay_schema.pays FOR EACH ROW EXECUTE FUNCTION pay_schema.known();
CREATE RULE noted AS ON INSERT TO pay_schema.pays DO ALSO
    INSERT INTO pay_schema.log SELECT NEW.id, u.handle FROM user_schema.users u WHERE u.id = NEW.user_id;
CREATE PROCEDURE pay_schema.settle(which int) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pay_schema.log SELECT 0, 'settled ' || u.handle FROM user_schema.users u WHERE u.id = which;
END $$;
ALTER TABLE pay_schema.pays ENABLE ROW LEVEL SECURITY;
CREATE POLICY open_ones ON pay_schema.pays FOR SELECT
    USING (EXISTS (SELECT FROM user_schema.users u WHERE u.id = user_id AND u.state = 'open'));
CREATE POLICY anything ON pay_schema.pays FOR INSERT WITH CHECK (true);
GRANT ALL ON ALL TABLES IN SCHEMA user_schema, pay_schema TO shared_application;
"""


@pytest.fixture
def made(source_database: Database, target_cluster: Cluster, tmp_path: Path) -> Iterator[Split]:
    if target_cluster.authority is None:
        # A server built without TLS cannot subscribe through it either.
        plain = source_database.endpoint.model_copy(update={"sslmode": "disable", "sslrootcert": None})
        source_database = replace(source_database, endpoint=plain)
    ensure_login(source_database, APPLICATION)
    with source_database.connect() as connection:
        connection.execute(SHARED.encode())
    rule = CrossingRule.model_validate({"match": "*", "action": "reference", "reason": "read often"})
    with split(source_database, target_cluster, {"user": [], "pay": [rule]}, tmp_path, APPLICATION) as made:
        yield made


@pytest.mark.parametrize("versions", [(15, 17), (17, 18)], indirect=True, ids=["15-to-17", "17-to-18"])
def test_what_reads_another_service_goes_on_over_its_replica(made: Split) -> None:
    plan = made.plan()
    assert [str(problem) for problem in plan.no_go] == []
    assert made.move_with(plan, made.dump("pay"), "pay") == ()
    (replica,) = plan.services["pay"].replicas
    names = tuple(column.name for column in replica.columns)
    assert names == ("id", "state", "handle")
    link = Link("pay", "user", "shared", ((replica.table, names),))
    assert follow(made.contract, link) == 2
    service = Login(name=made.contract.services["pay"].service.name, password=PASSWORD)
    with replace(made.targets["pay"], login=service, plain=True).connect() as connection:
        connection.execute("INSERT INTO pay_schema.pays VALUES (10, 1), (20, 2)")
        with pytest.raises(psycopg.errors.RaiseException, match="nobody"):
            connection.execute("INSERT INTO pay_schema.pays VALUES (30, 3)")
        connection.execute("CALL pay_schema.settle(2)")
        noted = connection.execute("SELECT pay, handle FROM pay_schema.log ORDER BY 1").fetchall()
        assert noted == [(0, "settled bob"), (10, "ann"), (20, "bob")]
        assert connection.execute("SELECT id FROM pay_schema.pays").fetchall() == [(10,)]
    unfollow(made.contract, link)
