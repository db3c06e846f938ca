"""What has to be right on a Docker host before anything is made on it. Looks only."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.platforms.docker.plan import StackPlan
from components.problems import Problem
from servers import archive_image
from servers.docker_engine import Engine
from servers.pgbouncer_versions import Version, parse

if TYPE_CHECKING:
    from components.settings.docker import DockerSettings
    from components.settings.model import Settings

LABEL = "waqiti.stack"
"""Everything that the stack makes carries it; what does not is never touched."""

LOCALES = Path(__file__).with_name("locales.sh")
PGAUDIT = Path(__file__).with_name("pgaudit.sh")


def check_user() -> list[Problem]:
    """Root gives the files of a container to the container's user."""
    if os.geteuid() == 0:
        return []
    return [
        Problem("platform", "docker hands files to the containers' users", "run it as root, or use local")
    ]


def check_image(engine: Engine, key: str, name: str) -> tuple[str, list[Problem]]:
    """The identity of the image `name`, and what is wrong with it.

    A name with a digest (`postgres:17@sha256:...`) has to be that one: by its registry's digest, or by its
    own identity where it came from no registry.
    """
    tag, _, digest = name.partition("@")
    found = engine.image(name) if digest else engine.image(tag)
    if found is not None:
        return str(found["Id"]), []
    other = engine.image(tag) if digest else None
    if other is None:
        fix = f"docker pull {name}, or make one with script/test-image"
        return "", [Problem(key, f"{name} is not on this Docker host", fix)]
    if other["Id"] == digest:
        return digest, []
    there = [one.partition("@")[2] for one in other.get("RepoDigests") or []] or [str(other["Id"])]
    fix = f"docker pull {name}, or put that digest into the settings once it is known to be good"
    return "", [Problem(key, f"{tag} on this Docker host is {', '.join(there)}, not {digest}", fix)]


def check_archive_image(engine: Engine, settings: Settings) -> tuple[str | None, list[Problem]]:
    """The identity of the image that fills archives, and what is wrong with it; None where no archive is."""
    if not settings.backups:
        return None, []
    name = settings.docker.archive_image or archive_image.name(settings.postgres_version)
    found = engine.image(name)
    fix = f"script/archive-image {settings.docker.postgres_image}, or `backups: false`"
    if found is None:
        return None, [Problem("docker.archiveImage", f"{name} is not on this Docker host", fix)]
    made_of = (found["Config"].get("Labels") or {}).get(archive_image.LABEL)
    if made_of != archive_image.digest():
        return None, [Problem("docker.archiveImage", f"{name} is of another version of this program", fix)]
    return str(found["Id"]), []


def has_pgaudit(engine: Engine, image: str, version: int, stack: str) -> bool:
    """Whether the image's own PostgreSQL can load pgaudit: asked in a container without a network, which is
    gone again."""
    script = f"WAQITI_VERSION={version}\n{PGAUDIT.read_text(encoding='utf-8')}"
    return engine.run(image, "none", script, {LABEL: stack}, interpreter="sh") == ["pgaudit"]


def gateway_version(engine: Engine, image: str, stack: str) -> Version | None:
    """The version of the image's PgBouncer; None where it says none: asked as `has_pgaudit` is."""
    said = engine.run(image, "none", "pgbouncer --version || true", {LABEL: stack}, interpreter="sh")
    return parse(" ".join(said))


def image_locales(
    engine: Engine, image: str, version: int, stack: str, names: Iterable[str]
) -> tuple[bool, dict[str, str]]:
    """Whether the image's own PostgreSQL has ICU, and the encodings of those locales `names` that its C
    library has: asked in a container without a network, which is gone again."""
    wanted = " ".join(names)
    script = f"WAQITI_VERSION={version}\nWAQITI_LOCALES='{wanted}'\n{LOCALES.read_text(encoding='utf-8')}"
    said = [line.split() for line in engine.run(image, "none", script, {LABEL: stack}, interpreter="sh")]
    there = {words[1]: words[2] for words in said if len(words) == 3 and words[0] == "locale"}
    return ["icu"] in said, there


def check_names(engine: Engine, plan: StackPlan) -> list[Problem]:
    """Names that something else has already."""
    wanted = [("network", plan.link_network, engine.network(plan.link_network))]
    for one in plan.services.values():
        wanted += [
            ("network", one.applications_network, engine.network(one.applications_network)),
            ("network", one.inner_network, engine.network(one.inner_network)),
            ("network", one.archive_network, engine.network(one.archive_network)),
            ("volume", one.volume, engine.volume(one.volume)),
            ("container", one.instance, engine.container(one.instance)),
            ("container", one.gateway, engine.container(one.gateway)),
            ("container", one.archive, engine.container(one.archive)),
        ]
    return [
        Problem(
            f"{kind} {name}",
            f"exists on this Docker host and is not of the stack {plan.label}",
            "remove or rename it, or give the stack another name; it was not touched",
        )
        for kind, name, found in wanted
        if found is not None and _labels(found).get(LABEL) != plan.label
    ]


def check_volumes(engine: Engine, plan: StackPlan, settings: DockerSettings) -> list[Problem]:
    """Volumes that are there with another driver or other options than the settings': Docker would hand the
    old one over without a word, and a replacement would lose the data."""
    found = []
    for service, one in plan.services.items():
        there, wanted = engine.volume(one.volume), settings.volume_of(service)
        if there is None or _labels(there).get(LABEL) != plan.label:
            continue
        is_now = (str(there["Driver"]), dict(there.get("Options") or {}))
        asked = (wanted.driver, dict(wanted.of(service)))
        if is_now != asked:
            what = f"the volume {one.volume} is there, on {_shown(*is_now)}, not on {_shown(*asked)}"
            fix = "set that back, or move the data first (docs/runbooks/staging.md, Another disk)"
            found.append(Problem(f"docker.volumes.{service}", what, f"{fix}; it was not touched"))
    return found


def check_disks(plan: StackPlan, settings: DockerSettings) -> list[Problem]:
    """Disks of this host that the settings name and that are not there: Docker would say so only when the
    container starts, and a folder whose disk is not mounted would be taken for an empty disk."""
    found = []
    for service in plan.services:
        options = settings.volume_of(service).of(service)
        key, device = f"docker.volumes.{service}.options.device", options.get("device", "")
        if settings.volume_of(service).device is None or not device.startswith("/"):
            continue  # another driver's, or another host's
        if options["type"] == "none":
            if not os.path.ismount(device):
                found.append(Problem(key, f"{device} is no mount point", "mount the service's disk there"))
        elif not Path(device).is_block_device():
            fix = "make it (docs/runbooks/staging.md, Disks)"
            found.append(Problem(key, f"{device} is no block device of this host", fix))
    return found


def _shown(driver: str, options: Mapping[str, str]) -> str:
    return " ".join([driver, *(f"{name}={value}" for name, value in sorted(options.items()))])


def check_addresses(engine: Engine, plan: StackPlan) -> list[Problem]:
    """Networks of others that have addresses of the stack's: Docker would refuse half-way through."""
    found = []
    for other in engine.networks():
        if other["Name"] in plan.networks or _labels(other).get(LABEL) == plan.label:
            continue
        for subnet in map(ipaddress.ip_network, _subnets(other)):
            if not isinstance(subnet, ipaddress.IPv4Network):
                continue
            if any(one.overlaps(subnet) for one in plan.networks.values()):
                what = f"{subnet} is of the network {other['Name']}, which is not of the stack {plan.label}"
                fix = "choose another private /16, or remove that network; it was not touched"
                found.append(Problem("docker.subnet", what, fix))
    return found


def _subnets(network: dict[str, Any]) -> list[str]:
    configured = (network.get("IPAM") or {}).get("Config") or []
    return [str(one["Subnet"]) for one in configured if one.get("Subnet")]


def _labels(found: dict[str, Any]) -> dict[str, str]:
    labels = found.get("Labels") or found.get("Config", {}).get("Labels") or {}
    return {str(key): str(value) for key, value in labels.items()}
