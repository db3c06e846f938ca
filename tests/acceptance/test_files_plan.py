"""What a person is told of tables as files before anything is begun."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.by_files import files_scene
from tests.support.clusters import Clusters
from tests.support.leftovers import leftovers

pytestmark = pytest.mark.acceptance

NO_REPLICATION = ("local all all peer map=waqiti", "host all all 127.0.0.1/32 scram-sha-256")


def test_plan_says_both_ways_and_always_is_refused_with_the_remedy(
    tmp_path: Path, clusters: Clusters
) -> None:
    script = "CREATE TYPE user_schema.mood AS ENUM ('well');"
    script += "CREATE TABLE user_schema.moods (id int PRIMARY KEY, m user_schema.mood);"
    with files_scene(tmp_path, clusters, 17, rows=50, script=script) as scene:
        shown = scene.world.run("plan", "user", "--json", timeout=600)
        assert shown.returncode == 0, shown.stderr
        ways = json.loads(shown.stdout)["ways"]["user"]
        assert ways["obstacles"] == []
        assert ways["files_seconds"] > ways["copy_seconds"]
        assert ways["auto"] == "copy", "a small service is copied in a moment"
        assert list(ways["copied_all_the_same"]) == ["user_schema.moods"]

        (scene.source.server.data / "pg_hba.conf").write_text("".join(f"{line}\n" for line in NO_REPLICATION))
        scene.source.server.reload()
        said = scene.world.run("plan", "user", timeout=600).stdout
        assert "as files" in said
        assert "hostssl replication tester <this machine>/32 scram-sha-256" in " ".join(said.split())

        refused = scene.world.run("start", "user", "--yes", "--physical", "always", timeout=600)
        assert refused.returncode == 36
        assert refused.stderr.strip().splitlines()[-1].startswith("error: user cannot come as files: ")
        assert leftovers(scene.world, "user") == []
