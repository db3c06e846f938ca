"""A company's schema of 248 tables (most days 136), from `init` to `finish`: what is printed is pasted.

What applications see is the same before and after: the statements of their workload give the same answers at
the same endpoint, as the service's role.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from psycopg import sql

from tests.support import company
from tests.support.answers import Answer, differences
from tests.support.clusters import Clusters
from tests.support.journeys import Journey, journey, seen, throwaway

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1500)]

PASSWORD = "application-password-of-nothing"
AS_PACKAGED = {
    "wal_level": "replica",
    "max_replication_slots": "10",
    "max_wal_senders": "10",
    "max_logical_replication_workers": "4",
    "max_worker_processes": "8",
    "wal_retrieve_retry_interval": "5s",
    "max_connections": "300",
}
"""What a server has that nobody prepared."""
ASKED_AFTER = ("run --all", "rollback --immediate --all", "finish --all")
STATEMENT = re.compile(r"`(ALTER [^`]+|DROP [^`]+)`")


@dataclass(frozen=True)
class Told:
    """What the journey showed."""

    planned: Mapping[str, Any]
    """The last plan."""
    before: Mapping[str, list[Answer]]
    after: Mapping[str, Mapping[str, list[Answer]]]
    """By the verb after which applications were asked."""
    keys: Mapping[str, str]
    """The foreign keys that crossed, after the complete rollback: `valid` or not."""


@pytest.fixture(scope="module")
def told(clusters: Clusters) -> Iterator[Told]:
    with (
        clusters.private("source", 15, AS_PACKAGED) as cluster,
        journey(cluster, company.DATABASE, "C.UTF-8", PASSWORD) as made,
    ):
        fill(made)
        made.init()
        if made.paste_lacks():
            cluster.server.restart()
        made.decide()
        throwaway(made)
        made.up()
        yield travel(made)


def fill(made: Journey) -> None:
    made.execute(company.server_script())
    with made.source.connect() as connection:
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                sql.Identifier(company.APPLICATION), sql.Literal(PASSWORD)
            )
        )
    made.execute(company.script())


def travel(made: Journey) -> Told:
    planned = follow_remedies(made)
    before = ask(made)
    after: dict[str, dict[str, list[Answer]]] = {}
    for verb in ("run --all", "rollback --immediate --all", "cutover --all", "rollback --complete --all"):
        made.verb(verb, "--yes")
        if verb in ASKED_AFTER:
            after[verb] = ask(made)
    with made.source.connect() as connection:
        keys: dict[str, str] = dict(
            connection.execute(
                "SELECT conname, CASE WHEN convalidated THEN 'valid' ELSE 'not valid' END FROM pg_constraint"
                " JOIN pg_class c ON c.oid = confrelid WHERE contype = 'f'"
                " AND c.relnamespace <> connamespace"
            ).fetchall()
        )
    made.verb("cutover --all", "--yes")
    made.verb("finish --all", "--yes")
    after["finish --all"] = ask(made)
    return Told(planned, before, after, keys)


def follow_remedies(made: Journey) -> dict[str, Any]:
    """Do what the plan says, in the shared database, until it says nothing more."""
    for _ in range(3):
        plan: dict[str, Any] = json.loads(made.verb("plan --all --json", check=False).stdout)
        no_go = [
            problem["text"]
            for part in (plan, *plan["services"].values())
            for problem in part["problems"]
            if problem["severity"] == "no-go"
        ]
        statements = dict.fromkeys(found for text in no_go for found in STATEMENT.findall(text))
        if not statements:
            assert no_go == []
            return plan
        made.execute(*statements)
    raise AssertionError("remedies that do not help: " + "; ".join(no_go))


def ask(made: Journey) -> dict[str, list[Answer]]:
    contract = made.contract()
    return {service: seen(contract, service, company.workload(service)) for service in company.NOUNS}


def test_the_plan_is_go_once_its_remedies_were_pasted(told: Told) -> None:
    assert told.planned["go"]
    assert sum(len(one["tables"]) for one in told.planned["services"].values()) == 8 * company.TABLES_PLANNED


@pytest.mark.parametrize("verb", ASKED_AFTER)
def test_applications_get_the_same_answers(told: Told, verb: str) -> None:
    found = [
        f"{service}: {line}"
        for service in company.NOUNS
        for line in differences(company.workload(service), told.before[service], told.after[verb][service])
    ]
    assert found == []


def test_the_keys_that_crossed_are_back_after_a_complete_rollback(told: Told) -> None:
    assert set(told.keys.values()) == {"valid"}
    assert len(told.keys) == len(company.CROSSING)
