"""The Docker platform's part of a stack's settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from components.sizes import GB, Kilobytes, format_size

SERVICE = "{service}"
"""Stands for the service's name in a volume's options."""
LOCAL = "local"
"""Docker's own volume driver: https://docs.docker.com/reference/cli/docker/volume/create/."""
LOCAL_OPTIONS = ("type", "device", "o")
"""What it takes; its `size` is ours, `VolumeSettings.size`."""
SMALLEST = GB // 2
"""kB below which a cluster and its WAL have no room to work in."""

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


def _option_text(value: object) -> object:
    """Docker takes options as text; YAML may have read a number."""
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _option(value: str) -> str:
    for found in _PLACEHOLDER.findall(value):
        if found != SERVICE:
            raise ValueError(f"{found} stands for nothing; {SERVICE} is the service's name")
    return value


OptionValue = Annotated[str, BeforeValidator(_option_text), AfterValidator(_option)]


class VolumeSettings(BaseModel):
    """Where an instance's data is, and how much there may be of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    driver: str = Field(default=LOCAL, min_length=1)
    options: Mapping[str, OptionValue] = Field(default_factory=dict)
    """The driver's, as `docker volume create --opt` takes them; `{service}` in one is the service's name."""
    size: Kilobytes | None = None
    """How much the volume holds. PostgreSQL's own bounds are derived from it. Where the driver is Docker's
    own and no device is named, the driver holds the volume to it (project quotas of XFS)."""

    @model_validator(mode="after")
    def _of_one_piece(self) -> VolumeSettings:
        if self.size is not None and self.size < SMALLEST:
            raise ValueError(f"size {format_size(self.size)} is too small; {format_size(SMALLEST)} at least")
        if self.driver != LOCAL:
            return self
        for name in self.options:
            if name not in LOCAL_OPTIONS:
                fix = (
                    "set `size` beside `options`"
                    if name == "size"
                    else f"it takes {', '.join(LOCAL_OPTIONS)}"
                )
                raise ValueError(f"options: the driver local has no option {name} here; {fix}")
        if ("type" in self.options) != ("device" in self.options) or (
            "o" in self.options and not self.device
        ):
            raise ValueError(
                "options: type and device go together; for example type: ext4, device: /dev/volumes/{service}"
            )
        if self.options.get("type") in ("tmpfs", "ramfs"):
            raise ValueError("options: a tmpfs forgets its data when the container stops; name a disk")
        return self

    @property
    def device(self) -> str | None:
        """What Docker's own driver mounts, with the placeholder still in it; None for another driver's."""
        return self.options.get("device") if self.driver == LOCAL else None

    @property
    def bounded(self) -> bool:
        """Whether it is a disk of its own, as far as the settings tell; another driver's is taken for one."""
        return self.driver != LOCAL or self.device is not None or self.size is not None

    def of(self, service: str) -> Mapping[str, str]:
        """The driver's options for the volume of `service`."""
        options = {name: value.replace(SERVICE, service) for name, value in self.options.items()}
        if self.driver == LOCAL and self.device is None and self.size is not None:
            options["size"] = f"{self.size}k"
        return dict(sorted(options.items()))


class DockerSettings(BaseModel):
    """Docker platform: images, addresses and volumes."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    postgres_image: str = Field(default="postgres:17", min_length=1)
    """Of the instances, best with a digest: `postgres:17@sha256:...`. It has to be on the Docker host."""
    gateway_image: str | None = None
    """An image with `pgbouncer` on its PATH; None: the instances' image has it."""
    archive_image: str | None = None
    """Of the containers that fill the archives, made by script/archive-image; None: the one of that name for
    the stack's version of PostgreSQL."""
    postgres_user: str = Field(default="999:999", pattern=r"^[1-9]\d*:\d+$")
    """User and group of `postgres` in the instances' image, as numbers; the official image's is 999:999."""
    subnet: str = "172.30.0.0/16"
    """The stack's own addresses: a private /16 that nothing else on the Docker host uses."""
    link: bool = True
    """Whether the containers reach the shared database, until every service's move is finished."""
    volume: VolumeSettings = VolumeSettings()
    """Every service's. The default shares the disk of Docker's data folder, which the stack warns of."""
    volumes: Mapping[str, VolumeSettings] = Field(default_factory=dict)
    """By service, instead of `volume`."""

    def volume_of(self, service: str) -> VolumeSettings:
        """Where the data of `service` is."""
        return self.volumes.get(service, self.volume)
