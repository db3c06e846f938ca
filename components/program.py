"""The steps of `__main__.py`: from Pulumi's configuration to a ServiceDatabase."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pulumi
from pydantic import SecretStr

from components.catalogue.model import Catalogue, ServiceEntry
from components.catalogue.read import read_catalogue
from components.contract import MonitoringControl
from components.platforms.interface import MonitoringArgs, Platform, SourceRoute, WatchArgs
from components.problems import ConfigurationError
from components.service.database import ServiceDatabase, ServiceDatabaseArgs
from components.service.turns import Turns
from components.settings import rules
from components.settings.model import Settings
from components.settings.read import read_settings, this_host_memory
from components.tuning.sessions import without_limits
from components.tuning.tune import tune
from servers.errors import ServerError
from servers.paths import state_dir

_WATCHED = ("local", "docker")
"""Platforms whose gateways' consoles somebody may look at."""
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


def catalogue_file(checkout: Path) -> Path:
    """The catalogue that the stack's `catalogue` names (from the checkout on), else the checkout's."""
    return checkout / (pulumi.Config().get("catalogue") or "services.yaml")


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
        from components.platforms.docker import platform as docker

        return docker.DockerPlatform(settings, catalogue, pulumi.get_project(), pulumi.get_stack())
    if settings.platform == "kubernetes":
        from components.platforms.kubernetes import platform as kubernetes

        return kubernetes.KubernetesPlatform(settings, catalogue, pulumi.get_project(), pulumi.get_stack())
    # A platform's own dependencies are needed only where it is chosen.
    from components.platforms.local import platform as local

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


def _parameters(name: str, entry: ServiceEntry, settings: Settings) -> Mapping[str, str]:
    tuned = tune(entry, version=settings.postgres_version, scale=settings.scale, disk=settings.disk(name))
    return tuned if settings.takes_over(name) else without_limits(tuned)


def _secret(given: SecretStr | None) -> pulumi.Output[str] | None:
    return None if given is None else pulumi.Output.secret(given.get_secret_value())


def _turns(settings: Settings, name: str) -> Turns:
    found = settings.rotation.get(name)
    return Turns() if found is None else Turns(found.logins, found.changing, found.own)


def service_database(
    name: str,
    catalogue: Catalogue,
    settings: Settings,
    platform: Platform,
    reads: Sequence[tuple[str, str]] = (),
) -> ServiceDatabase:
    """The database of one service, as the stack's settings want it; `reads` of the whole stack."""
    entry = catalogue.services[name]
    source = settings.source
    return ServiceDatabase(
        name,
        ServiceDatabaseArgs(
            entry=entry,
            platform=platform,
            version=settings.postgres_version,
            parameters=_parameters(name, entry, settings),
            endpoint_port=settings.endpoint_port(entry),
            instance_port=settings.instance_port(entry),
            source=SourceRoute(
                endpoint=settings.source_endpoint,
                role=source.application.name,
                password=pulumi.Output.secret(source.application.password.get_secret_value()),
                administrator=source.administrator.name,
                administrator_password=pulumi.Output.secret(source.administrator.password.get_secret_value()),
            ),
            own_login=source.logins == "own",
            locale=catalogue.locale_of(name),
            readers=tuple(reader for reader, read in reads if read == name),
            service_password=_secret(settings.service_passwords.get(name)),
            ddl_password=_secret(settings.ddl_passwords.get(name)),
            second_password=_secret(settings.second_passwords.get(name)),
            second_ddl_password=_secret(settings.second_ddl_passwords.get(name)),
            turns=_turns(settings, name),
            password_rotation=settings.password_rotation,
            protect_data=settings.protect_data and name not in settings.may_lose,
            keep_data=settings.keep_data,
            backups=settings.backups,
            watched=settings.monitoring is not None and settings.platform in _WATCHED,
        ),
    )


def _asks_business(catalogue: Catalogue, service: str) -> bool:
    slo = catalogue.services[service].slo
    return slo is not None and slo.business is not None


def monitoring(
    settings: Settings,
    catalogue: Catalogue,
    platform: Platform,
    databases: Mapping[str, ServiceDatabase],
) -> MonitoringControl | None:
    """What watches the services, as the stack's settings want it; None: nothing does."""
    if settings.monitoring is None:
        return None
    numbers = {name: rules.EXPORTERS + i for i, name in enumerate(catalogue.services)}
    watched = {
        name: WatchArgs(
            instance=database.instance,
            gateway=database.gateway,
            role=database.monitoring.name,
            password=database.monitoring.password,
            console_password=database.console_password,
            exporter_port=settings.monitoring_port(numbers[name]),
            backups=database.backups,
            business=_asks_business(catalogue, name),
        )
        for name, database in databases.items()
        if database.console_password is not None
    }
    return platform.monitoring(
        "monitoring",
        MonitoringArgs(
            services=watched,
            settings=settings.monitoring,
            own_port=settings.monitoring_port(1),
            prometheus_port=settings.monitoring_port(0),
            keep_data=settings.keep_data,
        ),
        pulumi.ResourceOptions(
            depends_on=[one for database in databases.values() for one in database.watchable]
        ),
    )
