"""What a stack knows of its Docker host, looked up before anything is made there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi

from components.contract import Endpoint
from components.locale import PLAIN, Locale
from components.platforms.docker import checks
from components.platforms.docker import plan as docker_plan
from components.platforms.docker.instance_files import DATA
from components.platforms.locale_check import check_locale
from components.problems import ConfigurationError, Problem
from servers import paths
from servers.docker_engine import Engine
from servers.errors import ServerError
from servers.pgbouncer_versions import Version

if TYPE_CHECKING:
    from components.catalogue.model import Catalogue
    from components.settings.docker import DockerSettings
    from components.settings.model import Settings

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
    gateway_version: Version | None
    """Of its PgBouncer."""
    root: Path
    """The state folder."""
    folder: Path
    """The stack's files."""
    source_authority: str | None
    """Path of the shared database's CA certificate."""
    archives: Path
    """Where the services' archives are, a folder each."""
    archive_image: str | None
    """Of who fills them, by its identity; None: the stack keeps no backups."""
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
        found = checks.check_user()
        found += docker_plan.problems(settings, catalogue, int(info["MemTotal"]) // 1024)
        image, wrong = checks.check_image(engine, "docker.postgresImage", wanted.postgres_image)
        found += wrong
        gateway_image = image
        if wanted.gateway_image is not None:
            gateway_image, wrong = checks.check_image(engine, "docker.gatewayImage", wanted.gateway_image)
            found += wrong
        archive_image, wrong = checks.check_archive_image(engine, settings)
        found += wrong
        if not any(problem.key == "docker.subnet" for problem in found):
            plan = docker_plan.stack_plan(settings, catalogue, project, stack)
            found += checks.check_names(engine, plan)
            found += checks.check_volumes(engine, plan, wanted)
            found += checks.check_disks(plan, wanted)
            found += checks.check_addresses(engine, plan)
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
        state = Path(settings.state_folder).expanduser() if settings.state_folder else paths.state_dir()
        root = state.absolute()
        return cls(
            engine=engine,
            plan=plan,
            settings=wanted,
            postgres_image=image,
            pgaudit=checks.has_pgaudit(engine, image, settings.postgres_version, plan.label),
            gateway_image=gateway_image,
            gateway_version=checks.gateway_version(engine, gateway_image, plan.label),
            root=root,
            folder=paths.stack_dir(project, stack, root),
            source_authority=settings.source.sslrootcert,
            archives=paths.archives_dir(project, stack, root.absolute()),
            archive_image=archive_image,
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

    def data(self, service: str) -> Path:
        """Its instance's data, in the engine's volume: root alone gets there."""
        return self.volumes / self.plan.services[service].volume / "_data" / Path(DATA).name

    def routes(self, service: str) -> Path:
        """The routes file of its gateway."""
        return self.service(service) / "gateway" / "routes.ini"

    def endpoint(self, host: str, address: str, port: int, database: str) -> Endpoint:
        """What the contract says of a server of the stack."""
        return Endpoint(
            host=host, address=address, port=port, database=database, sslrootcert=str(self.authority)
        )

    def check_locale(self, service: str, locale: Locale, version: int) -> None:
        """Raises ConfigurationError where the instances' image lacks it."""
        if locale == PLAIN:
            return
        icu, there = checks.image_locales(
            self.engine, self.postgres_image, version, self.plan.label, locale.libraries
        )
        check_locale(service, locale, version, where=self.settings.postgres_image, icu=icu, codeset=there.get)

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
