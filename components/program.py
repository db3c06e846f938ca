"""The steps of `__main__.py`: from Pulumi's configuration to a ServiceDatabase."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pulumi

from components.catalogue import Catalogue, ServiceEntry, read_catalogue
from components.platforms.interface import Platform, SourceRoute
from components.problems import ConfigurationError, Problem
from components.service_database import ServiceDatabase, ServiceDatabaseArgs
from components.settings import Settings, read_settings, this_host_memory
from components.tuning import tune
from servers.errors import ServerError
from servers.paths import state_dir

_TOLD_THE_USER = 32
"""Exit code by which Pulumi's Python host says that the user has been told why, so that the engine adds
nothing: PYTHON_PROCESS_EXITED_AFTER_SHOWING_USER_ACTIONABLE_MESSAGE_CODE of pulumi-language-python-exec."""


@contextmanager
def one_clear_line() -> Iterator[None]:
    """A bad configuration, or a machine without the servers, ends the program with a line a problem and no
    traceback."""
    try:
        yield
    except ConfigurationError as error:
        lines = [str(problem) for problem in error.problems]
    except ServerError as error:
        lines = [str(error)]
    else:
        return
    for line in lines:
        pulumi.log.error(line)
    sys.exit(_TOLD_THE_USER)


def read(catalogue_file: Path, environment: Mapping[str, str]) -> tuple[Catalogue, Settings]:
    """Catalogue and settings of the stack. Raises ConfigurationError with every problem there is."""
    catalogue = read_catalogue(catalogue_file)
    settings = read_settings(
        pulumi.runtime.get_config_env(),
        environment,
        catalogue,
        project=pulumi.get_project(),
        host_memory=this_host_memory(),
        state=state_dir(),
        preview=pulumi.runtime.is_dry_run(),
    )
    return catalogue, settings


def platform(settings: Settings, catalogue: Catalogue) -> Platform:
    """The platform that the stack chose. Raises ConfigurationError when it cannot be used."""
    if settings.platform == "docker":
        from components.platforms import docker

        return docker.DockerPlatform(settings, catalogue, pulumi.get_project(), pulumi.get_stack())
    if settings.platform != "local":
        problem = Problem("platform", f"{settings.platform} is not built yet", "set it to local or docker")
        raise ConfigurationError([problem])
    # A platform's own dependencies are needed only where it is chosen.
    from components.platforms import local

    return local.LocalPlatform(
        project=pulumi.get_project(),
        stack=pulumi.get_stack(),
        state_folder=settings.state_folder,
        postgres_bin=settings.postgres_bin,
    )


def reads(settings: Settings, catalogue: Catalogue) -> list[tuple[str, str]]:
    """Which service reads which other, of those that the stack deploys."""
    deployed = settings.deployed(catalogue)
    return [(name, read) for name, entry in deployed.items() for read in entry.reads if read in deployed]


def service_database(
    name: str,
    entry: ServiceEntry,
    settings: Settings,
    platform: Platform,
    reads: Sequence[tuple[str, str]] = (),
) -> ServiceDatabase:
    """The database of one service, as the stack's settings want it; `reads` of the whole stack."""
    source = settings.source
    password = settings.service_passwords.get(name)
    return ServiceDatabase(
        name,
        ServiceDatabaseArgs(
            entry=entry,
            platform=platform,
            version=settings.postgres_version,
            parameters=tune(
                entry, version=settings.postgres_version, scale=settings.scale, disk=settings.disk(name)
            ),
            endpoint_port=settings.endpoint_port(entry),
            instance_port=settings.instance_port(entry),
            source=SourceRoute(
                endpoint=settings.source_endpoint,
                role=source.application.name,
                password=pulumi.Output.secret(source.application.password.get_secret_value()),
            ),
            readers=tuple(reader for reader, read in reads if read == name),
            service_password=None if password is None else pulumi.Output.secret(password.get_secret_value()),
            password_rotation=settings.password_rotation,
            protect_data=settings.protect_data,
            keep_data=settings.keep_data,
        ),
    )
