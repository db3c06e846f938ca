"""Every remedy that the plan prints is followed as it is printed; then the plan is a go, and it moves."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from components.contract import CrossingRule
from core.sessions.connections import Database
from migration.plan.facts import read_target
from migration.plan.make import make_plan
from migration.plan.view import plan_to_json, to_paste
from tests.support.clusters import Cluster
from tests.support.generated_moves import move
from tests.support.moving import Split, split
from tests.support.remedies import STATEMENT, apply, entries, follow, pasted, read

pytestmark = pytest.mark.integration

_PARTS = (Path(__file__).parent / "remedies.sql").read_text(encoding="utf-8").split("-- case: ")[1:]
CASES = {title: script for title, _, script in (part.partition("\n") for part in _PARTS)}
BASE = """
    CREATE SCHEMA user_schema; CREATE SCHEMA pay_schema;
    CREATE TABLE user_schema.users (id int PRIMARY KEY, name text);
    CREATE TABLE pay_schema.payments (id int PRIMARY KEY, amount numeric);
    INSERT INTO user_schema.users VALUES (1, 'a'); INSERT INTO pay_schema.payments VALUES (1, 2.50);
"""


def _moved(source: Database, cluster: Cluster, folder: Path, *scripts: str) -> list[str]:
    """What was said on the way to a plan that is a go, after which the move went through."""
    with source.connect() as connection:
        connection.execute(BASE.encode())
        for script in scripts:
            connection.execute(script.encode())
    with split(source, cluster, {"user": (), "pay": ()}, folder) as made:
        _, said = follow(made, folder)
        assert move(made, ["user", "pay"]) == []
    return said


def test_all_remedies_together_lead_to_a_move(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    _moved(source_database, target_cluster, tmp_path, *CASES.values())


@pytest.mark.skipif("WAQITI_ALL_FAULTS" not in os.environ, reason="each is among all of them")
@pytest.mark.parametrize("case", CASES)
def test_each_remedy_leads_to_a_move(
    case: str, source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    assert _moved(source_database, target_cluster, tmp_path, CASES[case])


def test_a_partition_of_another_service_is_one_no_go(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    case = CASES["a partition of another service's table, with keys, indexes, triggers"]
    with source_database.connect() as connection:
        connection.execute((BASE + case).encode())
    with split(source_database, target_cluster, {"user": (), "pay": ()}, tmp_path) as made:
        problems = made.plan().no_go
    assert len(problems) == 1, [problem.text for problem in problems]
    (problem,) = problems
    assert "`ALTER TABLE user_schema.events DETACH PARTITION pay_schema.i2`" in problem.text
    assert not problem.line


def test_a_range_over_anothers_domain_is_named_and_not_its_constructor(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    case = CASES["a range over another service's domain, its multirange in use"]
    with source_database.connect() as connection:
        connection.execute((BASE + case).encode())
    with split(source_database, target_cluster, {"user": (), "pay": ()}, tmp_path) as made:
        texts = [problem.text for problem in made.plan().no_go]
    assert [text.partition(" needs")[0] for text in texts] == ["type pay_schema.e3 -> user_schema.amount"]


def _followed(made: Split, folder: Path) -> list[str]:
    """Follow what is printed, and move; what was said on the way."""
    _, said = follow(made, folder)
    assert move(made, list(made.contract.services)) == []
    return said


@pytest.mark.parametrize("versions", [(17, 18)], indirect=True, ids=["17-to-18"])
def test_an_unlogged_parent_moves_to_18(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    said = _moved(
        source_database,
        target_cluster,
        tmp_path,
        "CREATE UNLOGGED TABLE pay_schema.p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "CREATE UNLOGGED TABLE pay_schema.p1 PARTITION OF pay_schema.p FOR VALUES FROM (0) TO (10);"
        "CREATE UNLOGGED TABLE pay_schema.p2 PARTITION OF pay_schema.p DEFAULT PARTITION BY RANGE (id);",
    )
    assert said == []


def test_a_pending_detachment_is_finished_as_printed(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    said = _moved(
        source_database,
        target_cluster,
        tmp_path,
        "CREATE TABLE pay_schema.t (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        'CREATE TABLE pay_schema."t 1" PARTITION OF pay_schema.t FOR VALUES FROM (0) TO (10);'
        "SET allow_system_table_mods = on; UPDATE pg_inherits SET inhdetachpending = true"
        " WHERE inhrelid = 'pay_schema.\"t 1\"'::regclass",
    )
    assert "the pending detachment" in said[0]


def test_a_compression_is_taken_back_as_printed(
    source_database: Database, target_cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with source_database.connect() as connection:
        connection.execute(BASE.encode())
        connection.execute(
            'CREATE TABLE pay_schema."T t" (id int PRIMARY KEY, "order" text COMPRESSION lz4);'
            "CREATE MATERIALIZED VIEW pay_schema.m AS SELECT name FROM user_schema.users;"
            "ALTER MATERIALIZED VIEW pay_schema.m ALTER name SET COMPRESSION lz4"
        )
    with split(source_database, target_cluster, {"user": (), "pay": ()}, tmp_path) as made:
        monkeypatch.setattr(
            "tests.support.moving.read_target",
            lambda *what: replace(read_target(*what), compressions=frozenset({"pglz"})),
        )
        said = _followed(made, tmp_path)
    assert any("compressed with lz4" in text for text in said)


def test_a_schema_that_is_missing_is_made_as_printed(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute("CREATE SCHEMA user_schema; CREATE TABLE user_schema.users (id int PRIMARY KEY)")
    with split(source_database, target_cluster, {"user": (), "pay": ()}, tmp_path) as made:
        assert "no schema pay_schema" in _followed(made, tmp_path)[0]


def test_room_for_locks_is_made_as_printed(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute(BASE.encode())
    with split(source_database, target_cluster, {"user": (), "pay": ()}, tmp_path) as made:
        catalog = made.plan().catalog
        few = replace(catalog, server=replace(catalog.server, lock_slots=1))
        (problem,) = make_plan(made.contract, few).no_go
        (statement,) = STATEMENT.findall(problem.text)
    with source_database.connect() as connection:
        try:
            connection.execute(statement.encode())
        finally:
            connection.execute("ALTER SYSTEM RESET max_locks_per_transaction")


def test_a_table_that_two_services_ask_for_goes_to_one(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute(BASE.encode())
        connection.execute(
            "CREATE TABLE public.both (id int PRIMARY KEY);"
            "CREATE TABLE pay_schema.one (b int REFERENCES public.both);"
            "CREATE TABLE user_schema.two (b int REFERENCES public.both)"
        )
    rule = CrossingRule(match="foreign key * -> public.both", action="move")
    with split(source_database, target_cluster, {"user": (rule,), "pay": (rule,)}, tmp_path) as made:
        (problem,) = made.plan().no_go
        assert "for example `action: drop` in user" in problem.text
        dropped = rule.model_copy(update={"action": "drop"})
        user = made.contract.services["user"].model_copy(update={"crossing": (dropped,)})
        services = {**made.contract.services, "user": user}
        made.contract = made.contract.model_copy(update={"services": services})
        assert made.plan().no_go == ()


def test_what_another_service_needs_is_pasted_there(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute((BASE + CASES["a foreign key"]).encode())
    with split(source_database, target_cluster, {"user": (), "pay": ()}, tmp_path) as made:
        text = pasted(entries(made), to_paste(made.plan(["user"])))
        apply(made, read(text, tmp_path))
        assert made.plan(["user"]).no_go == ()
        assert made.plan().no_go == ()


def test_a_schema_of_nobodys_goes_along_by_the_rule_that_is_printed(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute(BASE.encode())
        connection.execute(
            "CREATE SCHEMA pay_backup; CREATE TYPE pay_backup.mood AS ENUM ('ok');"
            "CREATE TABLE pay_backup.old (id serial PRIMARY KEY, m pay_backup.mood, p int REFERENCES"
            " pay_schema.payments); INSERT INTO pay_backup.old (m, p) VALUES ('ok', 1);"
            "CREATE TABLE pay_backup.more (id int PRIMARY KEY REFERENCES pay_backup.old);"
            "CREATE VIEW pay_backup.both AS SELECT o.id FROM pay_backup.old o JOIN pay_schema.payments p"
            " ON p.id = o.p; CREATE FUNCTION pay_backup.f() RETURNS bigint LANGUAGE sql AS"
            " 'SELECT count(*) FROM pay_backup.both'"
        )
    with split(source_database, target_cluster, {"user": (), "pay": ()}, tmp_path) as made:
        printed = plan_to_json(made.plan())["unclaimed_yaml"]
        apply(made, read(pasted(entries(made), printed), tmp_path))
        plan = made.plan()
        assert (plan.no_go, plan.unclaimed, plan.alongside) == ((), (), ())
        assert move(made, ["user", "pay"]) == []
        with made.superusers["pay"].connect() as connection:
            assert connection.execute("SELECT pay_backup.f()").fetchone() == (1,)
