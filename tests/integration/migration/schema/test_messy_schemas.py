"""Two messy schemas, moved, and held against what PostgreSQL's own pg_dump and psql make of them there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from components.contract import CrossingRule
from core.sessions.connections import Database
from tests.support.clusters import Cluster
from tests.support.dumped import dump, restored, rights, rows
from tests.support.gateways import ensure_login
from tests.support.generated_moves import move
from tests.support.moves import APPLICATION
from tests.support.moving import Split, split
from tests.support.schema_generator import RULES

pytestmark = pytest.mark.integration

SCRIPT = (Path(__file__).parent / "messy_schemas.sql").read_text(encoding="utf-8")
SCHEMAS = {"club": ("club_schema", "Shared Code"), "till": ("till_schema",)}
BY_NAME = CrossingRule(match="* -> current_user", action="ignore", reason="nothing here has rows for it")
CROSSING = {
    "club_schema VIEW spent",
    "club_schema RULE spent _RETURN",
    "till_schema FK CONSTRAINT receipt receipt_person_fkey",
}
"""What the rules drop, because it is of both services."""


@pytest.mark.parametrize("versions", [(15, 17), (17, 18)], indirect=True, ids=["15-to-17", "17-to-18"])
def test_messy_schemas_arrive_as_pg_dump_and_psql_would_bring_them(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    ensure_login(source_database, APPLICATION)
    ensure_login(target_cluster.database(), APPLICATION)
    with source_database.connect() as connection:
        for paragraph in SCRIPT.replace("{application}", APPLICATION.name).split("\n\n"):
            connection.execute(paragraph.encode())
    with (
        restored(source_database, target_cluster) as reference,
        split(
            source_database,
            target_cluster,
            dict.fromkeys(SCHEMAS, (BY_NAME, *RULES)),
            tmp_path,
            APPLICATION,
            row_security="bind",
        ) as made,
    ):
        found = move(made, tuple(SCHEMAS))
        for name, schemas in SCHEMAS.items():
            found += _otherwise(made, name, schemas, reference, target_cluster)
    assert found == [], "\n".join(found)


def _otherwise(
    made: Split, name: str, schemas: Sequence[str], reference: Database, cluster: Cluster
) -> Iterator[str]:
    """What is neither as on the source nor as its restored dump, and which rows and rights differ."""
    service, there = made.contract.services[name], made.superusers[name]
    called = {made.source.login.name: "OWNER", APPLICATION.name: "SERVICE", "pg_monitor, SERVICE": "SERVICE"}
    origin = dump(made.source, cluster, schemas, called)
    wanted = dump(reference, cluster, schemas, called)
    got = dump(there, cluster, schemas, {service.owner: "OWNER", service.service.name: "SERVICE"})
    for key in sorted((wanted.keys() | got.keys()) - CROSSING):
        if got.get(key) not in {wanted.get(key), origin.get(key)}:
            yield f"{key}:\n- {wanted.get(key)}\n+ {got.get(key)}"
    for key, before in rows(made.source, schemas).items():
        after = rows(there, schemas).get(key)
        if before != after:
            yield f"rows of {key}: {before} on the source, {after} on the target"
    theirs = rights(there, schemas, service.service.name)
    for key, may in rights(made.source, schemas, APPLICATION.name).items():
        if may != theirs.get(key) and key not in CROSSING:
            yield f"rights on {key}: {may} on the source, {theirs.get(key)} on the target"
