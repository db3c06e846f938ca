"""What a comparison that found something tells a person to do."""

from __future__ import annotations

import pytest

from core.errors import VerificationFailed
from migration.verify.model import Verification

pytestmark = pytest.mark.unit


def test_a_schema_that_differs_is_not_told_as_rows_to_repair() -> None:
    verification = Verification((), "md5", 0.0, schema=("column a.b.c differs: default 1 on the source",))
    assert not verification.equal
    with pytest.raises(VerificationFailed) as raised:
        verification.require()
    said = str(raised.value)
    assert "column a.b.c differs" in said
    assert "verify --schema" in said
    assert "rows, repair" not in said
