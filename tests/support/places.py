"""Where things of the checkout are, for tests in whichever folder."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
