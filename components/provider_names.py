"""The names under which dynamic providers stand in Pulumi's state.

Pulumi keeps a pickled provider with each of its resources, and takes that one to read and to delete them. So
a provider is pickled as a name of this table, which is looked up when it is wanted: its module may move, this
one never does, and no name is ever given away twice.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from pulumi.dynamic import ResourceProvider

_WHERE = {
    "database-locale": "components.service.database_locale:_Provider",
    "login-turns": "components.service.login_turns:_Provider",
    "generated-secret": "components.service.generated_secret:_Provider",
    "shared-login": "components.service.shared_login:_Provider",
    "role-settings": "components.service.role_settings:_Provider",
    "ddl-watch": "components.service.ddl_watch:_Provider",
    "business": "components.service.business:_Provider",
    "shared-ddl-role": "components.service.shared_ddl:_Provider",
    "local-network": "components.platforms.certificates:NetworkProvider",
    "local-instance": "components.platforms.local.instance:InstanceProvider",
    "local-gateway": "components.platforms.local.gateway:GatewayProvider",
    "local-backup": "components.platforms.local.backup:BackupProvider",
    "local-monitoring": "components.platforms.monitoring:MonitoringProvider",
    "local-restore-points": "components.platforms.local.restore_points:RestorePointsProvider",
    "docker-instance": "components.platforms.docker.instance:InstanceProvider",
    "docker-gateway": "components.platforms.docker.gateway:GatewayProvider",
    "docker-link": "components.platforms.docker.link:LinkProvider",
    "docker-gateway-files": "components.platforms.docker.gateway:GatewayFilesProvider",
    "docker-instance-files": "components.platforms.docker.instance_files:FilesProvider",
    "docker-archive": "components.platforms.docker.archive:ArchiveProvider",
    "docker-archive-files": "components.platforms.docker.archive:ArchiveFilesProvider",
    "kubernetes-instance": "components.platforms.kubernetes.serving:InstanceProvider",
    "kubernetes-route": "components.platforms.kubernetes.route:RouteProvider",
    "kubernetes-link": "components.platforms.kubernetes.link:LinkProvider",
}
"""Name to `module:class`; a line's right side may change, its left side not, and no line goes."""
_NAMES = {where: name for name, where in _WHERE.items()}


def provider(name: str) -> ResourceProvider:
    """The provider of a name. Raises KeyError for one that no version of this program had."""
    module, _, kind = _WHERE[name].partition(":")
    made: ResourceProvider = getattr(import_module(module), kind)()
    return made


def as_name(one: ResourceProvider) -> tuple[Callable[[str], ResourceProvider], tuple[str]]:
    """What `__reduce__` of a provider returns. Raises KeyError for one that is not in the table."""
    return provider, (_NAMES[f"{type(one).__module__}:{type(one).__qualname__}"],)
