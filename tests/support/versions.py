"""The pairs of major versions that moves are tested between."""

from __future__ import annotations

import pytest

DEFAULT_VERSIONS = (15, 17)
"""Source and target of a test that does not ask for more: the pair with the fewest features."""
VERSION_PAIRS = ((15, 17), (15, 18), (17, 17), (17, 18))

every_version_pair = pytest.mark.parametrize(
    "versions",
    VERSION_PAIRS,
    indirect=True,
    ids=[f"{source}-to-{target}" for source, target in VERSION_PAIRS],
)
"""Decorator: the test runs once for each pair; without it `source_database` and `target_database` are
of DEFAULT_VERSIONS."""
