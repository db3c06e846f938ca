"""What a stack knows of its Docker host, looked up before anything is made there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi

from components.contract import Endpoint
from components.platforms import docker_checks, docker_plan
from components.platforms.docker_engine import Engine
from components.problems import ConfigurationError, Problem
from servers import paths
from servers.errors import ServerError

if TYPE_CHECKING:
    from components.catalogue import Catalogue
    from components.settings import Settings
    from components.settings_docker import DockerSettings

_KB_IN_MB = 1024


@dataclass(frozen=True)
class DockerHost:
    """This machine's Docker Engine, and the stack's own place on it."""

    engine: Engine
    plan: docker_plan.StackPlan
    settings: DockerSettings
    postgres_image: str
    """The instances' image by its identity, so that a tag that moves changes nothing by itself."""
    pgaudit: bool
    """Whether the instances' image has it."""
    gateway_image: str
    folder: Path
    """The stack's files."""
    source_authority: str | None
    """Path of the shared database's CA certificate."""
    processors: int
    volumes: Path
    """Where the engine has its volumes."""

    @classmethod
    def look(cls, settings: Settings, catalogue: Catalogue, project: str, stack: str) -> DockerHost:
        """Makes nothing. Raises ConfigurationError with every problem there is."""
        try:
            engine = Engine.of_environment()
            info = engine.info()
        except ServerError as error:
            problem = Problem("waqiti:platform: docker", f"{error.where} {error.seen}", error.to_do)
            raise ConfigurationError([problem]) from error
        wanted = settings.docker
        found = docker_checks.check_user()
        found += docker_plan.problems(settings, catalogue, int(info["MemTotal"]) // 1024)
        image, wrong = docker_checks.check_image(engine, "docker.postgresImage", wanted.postgres_image)
        found += wrong
        gateway_image = image
        if wanted.gateway_image is not None:
            gateway_image, wrong = docker_checks.check_image(
                engine, "docker.gatewayImage", wanted.gateway_image
            )
            found += wrong
        if not any(problem.key == "docker.subnet" for problem in found):
            plan = docker_plan.stack_plan(settings, catalogue, project, stack)
            found += docker_checks.check_names(engine, plan)
            found += docker_checks.check_volumes(engine, plan, wanted)
            found += docker_checks.check_disks(plan, wanted)
            found += docker_checks.check_addresses(engine, plan)
        if found:
            raise ConfigurationError(
                Problem(f"waqiti:platform: docker: {problem.key}", problem.what, problem.fix)
                for problem in found
            )
        sharing = [name for name in plan.services if not wanted.volume_of(name).bounded]
        if sharing:
            pulumi.log.warn(
                f"docker.volume: {', '.join(sharing)} share the disk of {info['DockerRootDir']}: one that"
                " fills it fills it for all; give each a disk of its own (docs/runbooks/staging.md, Disks)"
            )
        root = Path(settings.state_folder).expanduser() if settings.state_folder else paths.state_dir()
        return cls(
            engine=engine,
            plan=plan,
            settings=wanted,
            postgres_image=image,
            pgaudit=docker_checks.has_pgaudit(engine, image, settings.postgres_version, plan.label),
            gateway_image=gateway_image,
            folder=paths.stack_dir(project, stack, root.absolute()),
            source_authority=settings.source.sslrootcert,
            processors=int(info["NCPU"]),
            volumes=Path(info["DockerRootDir"]) / "volumes",
        )

    @property
    def authority(self) -> Path:
        """The CA certificate of the stack's servers."""
        return self.folder / "ca" / "ca.crt"

    def service(self, service: str) -> Path:
        """The files of one service's containers."""
        return self.folder / service

    def routes(self, service: str) -> Path:
        """The routes file of its gateway."""
        return self.service(service) / "gateway" / "routes.ini"

    def endpoint(self, host: str, address: str, port: int, database: str) -> Endpoint:
        """What the contract says of a server of the stack."""
        return Endpoint(
            host=host, address=address, port=port, database=database, sslrootcert=str(self.authority)
        )

    def limits(self, plan: docker_plan.ServicePlan) -> dict[str, Any]:
        """What of the host an instance's container may use."""
        megabytes = plan.memory // _KB_IN_MB
        return {
            "memory": megabytes,
            "memory_swap": megabytes,  # no swap
            "shm_size": plan.shared_memory // _KB_IN_MB,
            "cpus": str(plan.cpu_limit(self.processors)),  # 2.0, as Docker gives it back
            "cpu_shares": plan.cpu_shares,
        }
