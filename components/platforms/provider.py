"""What the local platform's dynamic providers have in common.

Pulumi pickles a dynamic provider into the state, and sends it back to a process of its own, which calls
it. Ours are pickled by reference (a class's name): they hold nothing, so no secret and no path is in
them, and an `up` with newer code uses the newer code. Servers are imported only where something is done,
because every `up` starts that process.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from pulumi.dynamic import CheckFailure, CheckResult, ConfigureRequest, DiffResult, ResourceProvider
from pulumi.runtime.rpc import UNKNOWN

from components.provider_names import as_name
from servers.errors import ServerError


class LocalProvider(ResourceProvider):
    """A provider without state. Subclasses say which inputs they compare and what only a look can tell."""

    serialize_as_secret_always = False

    inputs: tuple[str, ...] = ()
    """The properties whose change is a change of the resource."""
    replaced_by: tuple[str, ...] = ()
    """Those among them whose change makes another resource."""

    def __reduce__(self) -> tuple[Any, ...]:
        return as_name(self)

    def configure(self, req: ConfigureRequest) -> None:
        """The engine shows what was raised; gRPC's traceback of it would only hide that line."""
        logging.getLogger("grpc._server").addFilter(_not_ours)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuses what cannot work before anything is made, with a line each."""
        try:
            self.validate({key: value for key, value in news.items() if value != UNKNOWN})
        except ServerError as error:
            return CheckResult(news, [CheckFailure("settings", str(error))])
        return CheckResult(news, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compares inputs, then looks: what does not run, or is not as we left it, needs an update too."""
        changed = {key for key in self.inputs if _olds.get(key) != _news.get(key)}
        replaces = sorted(changed & set(self.replaced_by))
        needed = bool(changed) or self.needs_attention(_olds)
        return DiffResult(needed, replaces=replaces, delete_before_replace=True)

    def validate(self, known: Mapping[str, Any]) -> None:
        """Raises ServerError for inputs that cannot work; `known` lacks what a preview does not know."""

    def needs_attention(self, props: Mapping[str, Any]) -> bool:
        """Whether the resource, as it is on this machine, is not what the state says."""
        return False

    def kept(self, props: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs among `props`, which every output repeats."""
        return {key: props[key] for key in self.inputs if key in props}


def require(known: Mapping[str, Any], names: Iterable[str]) -> bool:
    """Whether all of `names` are known."""
    return all(name in known for name in names)


def require_free_port(olds: Mapping[str, Any], news: Mapping[str, Any]) -> None:
    """Raises ServerError when the port is taken that a create takes or an update moves to: before initdb
    takes its seconds, and while the old port still serves."""
    from servers import failures, ports

    port = int(news["port"])
    if int(olds.get("port", 0)) != port and ports.is_taken(port, news["address"]):
        raise failures.port_in_use(port)


def _not_ours(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], ServerError))
