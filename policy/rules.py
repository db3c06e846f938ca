"""The rules: each takes a resource and what was declared before it, and yields what is wrong. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from policy.resources import DYNAMIC, HOLDS_DATA, Resource, Stack, Violations

_INSTANCES = frozenset({f"{DYNAMIC}local:Instance", f"{DYNAMIC}docker:InstanceFiles"})
_GATEWAYS = frozenset({f"{DYNAMIC}local:Gateway", f"{DYNAMIC}docker:GatewayFiles"})
_SAFE_MODES = frozenset({"require", "verify-ca", "verify-full"})
_PREDEFINED = "pg_"
_PUBLIC = "public"


def data_is_protected(one: Resource, stack: Stack) -> Violations:
    """What holds data is protected, so that Pulumi refuses to delete or to replace it."""
    if one.type not in HOLDS_DATA or one.protect or one.service in stack.may_lose:
        return
    if stack.for_development and not stack.protect_data:
        return
    yield (
        f"{one.name} holds data and is not protected; set waqiti:protectData to true, or, to give up the"
        f" data of {one.service}, name it in waqiti:mayLose"
    )


def protection_stays_on(one: Resource, stack: Stack) -> Violations:
    """waqiti:protectData is true wherever more than one machine's developer is served."""
    if one.type == "pulumi:pulumi:Stack" and not stack.protect_data and not stack.for_development:
        yield (
            f"waqiti:protectData is false on the platform {stack.platform}; set it to true, and name in"
            " waqiti:mayLose each service whose data may go"
        )


def instances_have_tls(one: Resource, _stack: Stack) -> Violations:
    """An instance speaks TLS, and admits nobody without it."""
    if one.type in _INSTANCES:
        parameters = one.props.get("parameters") or {}
        if str(parameters.get("ssl", "on")).lower() not in ("on", "true", "yes", "1"):
            yield f"{one.name} has ssl = {parameters['ssl']}; remove it"
        lowest = str(parameters.get("ssl_min_protocol_version", "TLSv1.2"))
        if lowest in ("TLSv1", "TLSv1.1", ""):
            accepts = lowest or "any version of TLS"
            yield f"{one.name} accepts {accepts}; set ssl_min_protocol_version to TLSv1.2"
    if one.type in _GATEWAYS:
        mode = str((one.props.get("settings") or {}).get("client_tls_sslmode", "require"))
        if mode not in _SAFE_MODES:
            yield f"{one.name} lets clients in without TLS (client_tls_sslmode = {mode}); remove it"
    if one.type == "pulumi:providers:postgresql" and one.text("sslmode") not in _SAFE_MODES:
        yield f"{one.name} connects with sslmode {one.text('sslmode') or '(none)'}; use verify-full"


def a_gateway_has_one_service(one: Resource, stack: Stack) -> Violations:
    """A gateway leads to one service's database, and nobody else's gateway does."""
    if one.type in _GATEWAYS and one.service is not None:
        for key in (f"database {one.text('database')}", f"role {one.text('service_role')}", _listens(one)):
            before = stack.databases.setdefault(key, one.service)
            if before != one.service:
                yield f"{one.name} leads to {before}'s {key}; a gateway serves its own service only"
    if one.type == "docker:index/container:Container" and one.name.endswith("-gateway-container"):
        for network in one.props.get("networksAdvanced") or []:
            name = str(network.get("name") or "")
            before = stack.databases.setdefault(f"network {name}", one.service or "")
            if before != (one.service or ""):
                yield f"{one.name} joins {before}'s network {name}; a gateway is in its own service's only"


def roles_stay_within_their_service(one: Resource, stack: Stack) -> Violations:
    """A role is no superuser, is in its own service's roles only, and is granted nothing elsewhere."""
    service = one.service or ""
    if one.type == "postgresql:index/role:Role":
        role = one.text("name")
        before = stack.roles.setdefault(role, service)
        if before != service:
            yield f"role {role} of {service} is {before}'s already; each service has its own"
        for power in ("superuser", "createDatabase", "createRole"):
            if one.props.get(power):
                yield f"role {role} has {power}; a service's roles have it not"
        for group in one.props.get("roles") or []:
            yield from _foreign(f"role {role} is a member of", str(group), service, stack)
    if one.type in _GRANTS:
        role, privileges = one.text("role"), list(one.props.get("privileges") or [])
        if role == _PUBLIC and privileges:
            yield f"{one.name} grants {', '.join(map(str, privileges))} to everybody; name a role"
        elif role != _PUBLIC:
            yield from _foreign(f"{one.name} grants to", role, service, stack)
    if one.type == f"{DYNAMIC}waqiti:RoleSettings":
        yield from _foreign(f"{one.name} sets what sessions start with of", one.text("role"), service, stack)


def no_port_is_published(one: Resource, _stack: Stack) -> Violations:
    """Nothing is reached but in its service's networks: no published port, no network of the host."""
    if one.type == "docker:index/container:Container":
        if one.props.get("ports") or one.props.get("publishAllPorts"):
            yield f"{one.name} publishes a port; applications join the service's network instead"
        if one.text("networkMode") == "host":
            yield f"{one.name} is in the host's network; it belongs into its service's"
    if one.type == "docker:index/network:Network" and not one.props.get("internal"):
        yield f"{one.name} has a way out; set internal"
    if one.type in (f"{DYNAMIC}local:Instance", f"{DYNAMIC}local:Gateway"):
        address = one.text("address")
        if not (address.startswith("127.") or address == "::1"):
            yield f"{one.name} listens at {address}; the local platform listens on loopback only"


_GRANTS = frozenset(
    {
        "postgresql:index/grant:Grant",
        "postgresql:index/defaultPrivileges:DefaultPrivileges",
        "postgresql:index/grantRole:GrantRole",
    }
)


def _foreign(what: str, role: str, service: str, stack: Stack) -> Violations:
    if role.startswith(_PREDEFINED):
        return
    whose = stack.roles.get(role)
    if whose is None:
        yield f"{what} {role}, which {service or 'the stack'} does not declare; declare it there first"
    elif whose != service:
        yield f"{what} {role}, which is {whose}'s; a service's roles stay within it"


def _listens(one: Resource) -> str:
    return f"endpoint {one.text('address') or one.text('folder')}:{one.text('port')}"


@dataclass(frozen=True)
class Rule:
    """A rule, and what it is called."""

    name: str
    check: Callable[[Resource, Stack], Violations]

    @property
    def description(self) -> str:
        return (self.check.__doc__ or "").strip()


RULES: Mapping[str, Rule] = {
    name: Rule(name, check)
    for name, check in (
        ("data-is-protected", data_is_protected),
        ("protection-stays-on", protection_stays_on),
        ("instances-have-tls", instances_have_tls),
        ("a-gateway-has-one-service", a_gateway_has_one_service),
        ("roles-stay-within-their-service", roles_stay_within_their_service),
        ("no-port-is-published", no_port_is_published),
    )
}
"""By the name under which Pulumi reports it."""
