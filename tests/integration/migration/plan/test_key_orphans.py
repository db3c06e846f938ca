"""Foreign keys that are called valid and are not: found by the plan, or before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.errors import SourceSettings
from core.sessions.connections import Database
from migration.catalog.read import read_catalog
from migration.examine.key_orphans import with_orphans
from migration.moves.key_orphans import require_no_orphans
from migration.plan.make import Plan
from migration.plan.model import ServicePlan
from tests.support.clusters import Cluster
from tests.support.moving import split

pytestmark = pytest.mark.integration

_TABLES = """
CREATE SCHEMA pay_schema; SET search_path = pay_schema;
CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9);
CREATE TABLE c (p int CONSTRAINT of_one REFERENCES p) PARTITION BY LIST (p);
CREATE TABLE c1 PARTITION OF c DEFAULT;
CREATE TABLE d (id bigint PRIMARY KEY, p bigint CONSTRAINT of_d REFERENCES p, up bigint REFERENCES d);
INSERT INTO p VALUES (1); INSERT INTO c VALUES (1), (NULL); INSERT INTO d VALUES (1, 1, 1), (2, NULL, 1);
"""
_ORPHANS = "SET session_replication_role = replica; INSERT INTO pay_schema.{} VALUES ({})"


@dataclass
class Move:
    """What the step needs of a move."""

    plan: Plan
    source: Database

    @property
    def own(self) -> ServicePlan:
        return self.plan.services["pay"]


@pytest.fixture
def move(source_database: Database, target_cluster: Cluster, tmp_path: Path) -> Iterator[Move]:
    with source_database.connect() as connection:
        connection.execute(_TABLES.encode())
    with split(source_database, target_cluster, {"pay": ()}, tmp_path) as made:
        yield Move(made.plan(), source_database)


def orphaned(move: Move, table: str, row: str) -> None:
    with move.source.connect() as connection:
        connection.execute(_ORPHANS.format(table, row).encode())


def said(plan: Plan, severity: str) -> list[str]:
    problems = plan.services["pay"].problems
    return [p.text for p in problems if p.severity == severity and "foreign key" in p.text]


def test_keys_whose_rows_all_have_their_reference_are_no_problem(move: Move) -> None:
    assert said(with_orphans(move.plan, move.source), "no-go") == []


def test_a_partitioned_tables_orphans_are_to_be_mended_before_18(move: Move) -> None:
    orphaned(move, "c", "7")
    with move.source.connect() as connection:
        newer = read_catalog(connection).server.major >= 18
    (line,) = said(with_orphans(move.plan, move.source), "no-go")
    assert "pay_schema.c.of_one is called valid, and without a row in pay_schema.p: 1 row" in line
    assert ("NOT VALID" in line) == newer


def test_what_the_plan_has_no_time_for_is_looked_at_before_the_start(move: Move) -> None:
    move.plan = with_orphans(move.plan, move.source, seconds=0)
    assert "3 foreign keys" in said(move.plan, "note")[0]
    assert require_no_orphans(move) == {"keys": 3}  # type: ignore[arg-type]
    orphaned(move, "d", "3, 5, 1")
    with pytest.raises(SourceSettings, match="of_d is called valid"):
        require_no_orphans(move)  # type: ignore[arg-type]
