"""The part of the contract that says where an archive on Docker is filled."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class ArchiveContainer(BaseModel):
    """Where a service's archive is filled on Docker, and what a restore beside the service is made from."""

    model_config = ConfigDict(frozen=True)

    socket: str
    """Of the Docker Engine."""
    name: str
    """The container's."""
    image: str
    """Its identity; with PostgreSQL's programs and Barman in it."""
    user: str
    """User and group in it, as numbers, whose the archive is: `999:999`."""
    instance: str
    """The container of the service's own PostgreSQL."""
    volume: str
    """The one that has that one's data."""
    label: str
    """The stack's, `waqiti.stack`."""
