"""A test that needs what is not there: skipped on a developer's machine, failed where all is required."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def absent(reason: str) -> NoReturn:
    """Skips the running test with `reason`; fails it where `WAQITI_REQUIRE_ALL` is set (CI)."""
    if os.environ.get("WAQITI_REQUIRE_ALL"):
        pytest.fail(f"{reason} (WAQITI_REQUIRE_ALL is set)", pytrace=False)
    pytest.skip(reason)
