"""In which schema a service's rows are."""

from __future__ import annotations

from components.contract import Service
from core.points.model import SHARED


def schemas_of(service: Service, place: str) -> list[str]:
    """What its schema may be called in a place, the newer name first."""
    renamed = [] if place == SHARED or service.own_schema is None else [service.own_schema]
    return [*renamed, service.schema_name]
