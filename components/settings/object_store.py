"""The object store that services on Kubernetes are backed up to."""

from __future__ import annotations

from ipaddress import IPv4Network
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

OWN = ("{namespace}", "{service}")
"""What makes a place one service's own."""


class ObjectStoreSettings(BaseModel):
    """An object store that speaks S3. Buckets and keys are made by whoever runs it, one a service."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    endpoint: str
    """`https://HOST[:PORT]`, as the cluster's pods reach it."""
    place: str = Field(default="{namespace}", min_length=1, max_length=500)
    """Bucket, and folders in it, of a service's archive; `{namespace}` (PROJECT-STACK-SERVICE) or `{service}`
    has to be in it, so that each service has its own."""
    addresses: tuple[IPv4Network, ...] = Field(min_length=1)
    """Where it is, for the policies: instances reach it at the endpoint's port, and nothing else outside."""
    authority: str | None = None
    """Path of the CA's certificate; None: one that the image knows."""
    region: str | None = Field(default=None, max_length=63)
    """None: the store has none."""

    @field_validator("endpoint")
    @classmethod
    def _is_encrypted(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.username:
            raise ValueError("not https://HOST[:PORT]; WAL and keys do not travel in clear")
        return value.rstrip("/")

    @field_validator("place")
    @classmethod
    def _is_of_one_service(cls, value: str) -> str:
        if not any(word in value for word in OWN):
            raise ValueError(f"services would share it; write {' or '.join(OWN)} into it")
        return value.strip("/")

    @property
    def port(self) -> int:
        """Of the endpoint."""
        return urlsplit(self.endpoint).port or 443

    def url(self, namespace: str, service: str) -> str:
        """A service's place, as Barman names it."""
        return "s3://" + self.place.replace("{namespace}", namespace).replace("{service}", service)
