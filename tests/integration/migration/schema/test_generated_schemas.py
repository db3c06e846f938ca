"""Schemas that hypothesis makes up, from PostgreSQL 15 to 17: each arrives with all its rows."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.support.clusters import Clusters
from tests.support.generated_moves import move_and_compare, thorough
from tests.support.schema_generator import Generated, generated_schemas

pytestmark = pytest.mark.integration


@thorough(80)
@given(schema=generated_schemas())
def test_a_generated_schema_arrives_with_all_its_rows(clusters: Clusters, schema: Generated) -> None:
    move_and_compare(clusters, (15, 17), schema)
