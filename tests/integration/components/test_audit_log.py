"""Who changed what, from the log of a real server that logs as the stack's do."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from components.platforms.local.instance import LOGGING
from components.tuning.tune import tune
from operations.audit.read import Entry, entries
from tests.support.archives import until
from tests.support.clusters import Clusters
from tests.support.folders import own_folder
from tests.support.places import REPOSITORY

pytestmark = pytest.mark.integration


def prefix() -> str:
    """The stack's own log_line_prefix."""
    from components.catalogue.read import read_catalogue

    catalogue = read_catalogue(REPOSITORY / "services.yaml")
    return tune(catalogue.services["payment"], version=17, scale=1.0)["log_line_prefix"]


@pytest.mark.parametrize("kind", ["stderr", "jsonlog"])
def test_statements_are_found_with_who_sent_them_and_their_values(clusters: Clusters, kind: str) -> None:
    logs = own_folder()
    logs.chmod(0o777)
    parameters = {
        **LOGGING,
        "log_directory": str(logs),
        "log_destination": kind,
        "log_statement": "mod",
        "log_line_prefix": prefix(),
        "log_timezone": "UTC",
        "log_min_messages": "log",
    }
    began = datetime.now(UTC)
    with clusters.private("target", 17, parameters) as cluster:
        database = cluster.database()
        with database.connect(application_name="an application") as connection:
            connection.execute("CREATE TABLE kept (id int, what text)")
            connection.execute("INSERT INTO kept\nVALUES (%s, %s)", [7, "it's\tso"])
            connection.execute("SELECT 1")
            connection.execute("SET log_statement = 'none'")

        def found() -> list[Entry]:
            return [one for one in entries(logs, began) if "kept" in one.statement]

        until(lambda: len(found()) == 2, "not in the log")
        made, inserted = found()
        assert (made.role, made.application) == (database.login.name, "an application")
        assert made.statement == "CREATE TABLE kept (id int, what text)"
        assert inserted.statement.startswith("INSERT INTO kept\nVALUES ($1, $2)")
        assert "$1 = '7'" in inserted.parameters
        assert json.dumps(inserted.parameters).count("it''s") == 1
        assert began <= inserted.at <= datetime.now(UTC)
