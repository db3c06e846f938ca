"""A large schema over the server's own extensions, as one service of two, moved with its rows and compared.

PostgreSQL's regression tests are in no server package (Debian's postgresql-15 and postgresql-server-dev-15
have pg_regress without its SQL; the wheels have neither), and nothing else may be fetched: contrib_schema.sql
stands for them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.clusters import Clusters
from tests.support.generated_moves import move_and_compare
from tests.support.schema_generator import Generated
from tests.support.versions import VERSION_PAIRS

pytestmark = pytest.mark.integration

SCRIPT = (Path(__file__).parent / "contrib_schema.sql").read_text(encoding="utf-8")


@pytest.mark.parametrize("versions", VERSION_PAIRS, ids=[f"{a}-to-{b}" for a, b in VERSION_PAIRS])
def test_a_schema_over_all_extensions_arrives_with_its_rows(
    clusters: Clusters, versions: tuple[int, int]
) -> None:
    move_and_compare(clusters, versions, Generated(("search", "stock"), (SCRIPT,)))
