"""What a stack's settings say about monitoring."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class MonitoringSettings(BaseModel):
    """`monitoring` of Pulumi.<stack>.yaml; an empty one, `{}`, turns it on as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    prometheus: bool = True
    """Whether the stack brings a Prometheus; without, its targets, rules and dashboards are for yours."""
    port: int = Field(default=9600, ge=1024, le=65000)
    """The first of the ports: Prometheus, our exporter, an exporter a service. `portOffset` is added."""
    interval: int = Field(default=15, ge=1, le=300)
    """Seconds between two looks, and between two evaluations of the rules."""
    hold: float = Field(default=1.0, gt=0, le=10)
    """Multiplies how long a condition has to last before it alarms, and over how long is averaged."""
    retention: str = Field(default="15d", pattern=r"^[1-9]\d*[hdwy]$")
    """How long Prometheus keeps what it read."""
    runbooks: str = "docs/runbooks/alerts"
    """Where the alarms' pages are: what stands before `/NAME.md` in their annotation."""
    limits: dict[str, float] = Field(default_factory=dict)
    """Limits of alarms, over those of `components.monitoring.rules.limits`."""
