"""`slo` of a service in services.yaml: what a move must not do to it, measured against what it did before."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from components.backup.entry import Seconds
from components.contract import SloPolicy


def _minutes(value: object) -> object:
    """`5m` is `5min`."""
    return re.sub(r"^\s*(\d+)\s*m\s*$", r"\1min", value) if isinstance(value, str) else value


def _one_select(text: str) -> str:
    """Raises ValueError for what is not one statement that reads."""
    import pglast
    from pglast import ast

    try:
        statements = pglast.parse_sql(text)
    except pglast.parser.ParseError as error:
        raise ValueError(f"not SQL: {' '.join(str(error.args[0]).split())}") from None
    if len(statements) != 1 or not isinstance(statements[0].stmt, ast.SelectStmt):
        raise ValueError("not one SELECT; write one that gives one number, the higher the better")
    return text.strip().rstrip(";")


Time = Annotated[Seconds, BeforeValidator(_minutes)]


class SloEntry(BaseModel):
    """How far a service may leave what it did before, and what becomes of a switch then."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    business: Annotated[str, AfterValidator(_one_select)] | None = None
    """A query of the team's that gives one number: how well business goes. It runs as the applications do,
    through the service's endpoint, read-only."""
    auto_rollback: Time | None = None
    """So long after its switch the service is watched, and led back by itself if it leaves the band."""
    latency: float = Field(default=2.0, gt=1, le=100)
    """Times that a transaction may take, of what it took before (10 ms more are always allowed)."""
    errors: float = Field(default=0.02, gt=0, le=1)
    """Part of the transactions that may be rolled back beyond what were before."""
    success: float = Field(default=0.9, gt=0, lt=1)
    """Part of `business` that has to remain."""
    before: Time = 15
    """How long is measured what the service does before."""
    patience: Time = 10
    """How long it is out of the band, second after second, before that counts."""

    @property
    def policy(self) -> SloPolicy:
        """The same for who carries it out."""
        return SloPolicy(**{name: getattr(self, name) for name in SloPolicy.model_fields})
