"""The words that newer versions quote are those that the servers themselves name."""

from __future__ import annotations

import pytest

from migration.catalog.quoting import NEW_WORDS
from tests.support.clusters import Clusters

pytestmark = pytest.mark.integration

OLDEST = 15
VERSIONS = (15, 17, 18)


def quoted(clusters: Clusters, version: int) -> set[str]:
    """The names that a server of this version prints in quotes: all its keywords but the unreserved."""
    with clusters.get("source" if version < 18 else "target", version).database().connect() as connection:
        rows = connection.execute("SELECT word FROM pg_get_keywords() WHERE catcode <> 'U'").fetchall()
    return {row[0] for row in rows}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_list_of_new_words_is_the_servers(version: int, clusters: Clusters) -> None:
    new = quoted(clusters, version) - quoted(clusters, OLDEST)
    assert new == {word for word, since in NEW_WORDS.items() if OLDEST < since <= version}


def test_no_word_of_the_list_is_older(clusters: Clusters) -> None:
    assert quoted(clusters, OLDEST).isdisjoint(NEW_WORDS)
