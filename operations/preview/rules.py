"""From a step of Pulumi to what it means, by the resource's type. Pure.

Each rule knows what its resource's provider does when a property changes; `components` has the providers.
What would be replaced, and what is refused, the engine and the providers say themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from operations.preview import waits
from operations.preview.meaning import Effect, Meaning
from operations.preview.rules_parameters import changed_parameters, listed
from operations.preview.steps import Change, Preview, Step, differences
from servers.pgbouncer import RESTART_SETTINGS

_DYNAMIC = "pulumi-python:dynamic/"
HOLDS_DATA: Mapping[str, str] = {
    f"{_DYNAMIC}local:Instance": "the instance's data folder",
    "docker:index/volume:Volume": "the volume with the instance's data",
    "postgresql:index/database:Database": "the database",
    "postgresql:index/schema:Schema": "the schema",
}
"""Types of resources that hold data, in words."""
_SECRET_ONLY = "a password"  # noqa: S105 - no password
_ARCHIVE = "nobody waits; WAL of some seconds is received later"
_GATEWAYS = frozenset({f"{_DYNAMIC}local:Gateway", f"{_DYNAMIC}docker:GatewayFiles"})
"""A service has one; so with it comes and goes the service."""
_RIGHTS = frozenset({"postgresql:index/grant:Grant", "postgresql:index/defaultPrivileges:DefaultPrivileges"})
_FEW_RIGHTS = 3


def meanings(preview: Preview, may_lose: frozenset[str] = frozenset()) -> list[Meaning]:
    """What all steps mean; `may_lose` are the services whose data the stack's settings give up."""
    whole = {step.service: step.operation for step in preview.steps if step.type in _GATEWAYS}
    found: list[Meaning] = []
    for step in preview.steps:
        if whole.get(step.service) == "create" and step.operation == "create":
            found += _new_service(step)
        elif whole.get(step.service) == "delete" and step.operation == "delete":
            found += _gone_service(step, may_lose)
        elif step.type not in _RIGHTS:
            found += _of(step, may_lose)
    found += _rights([step for step in preview.steps if step.type in _RIGHTS and step.service not in whole])
    return list(dict.fromkeys(found))


def _rights(steps: Sequence[Step]) -> Iterator[Meaning]:
    """One by one where they are few; a change that reaches all of a service's is said once."""
    by_service: dict[str | None, list[Step]] = {}
    for step in steps:
        by_service.setdefault(step.service, []).append(step)
    for service, own in by_service.items():
        if len(own) > _FEW_RIGHTS:
            yield Meaning(service, Effect.NOTHING, f"{len(own)} of its roles' rights")
        else:
            for step in own:
                yield from _grant(step)


def _of(step: Step, may_lose: frozenset[str]) -> Iterator[Meaning]:
    if step.type in HOLDS_DATA and step.operation in ("replace", "delete"):
        yield _data(step, may_lose)
    rule = _RULES.get(step.type)
    if rule is not None:
        yield from rule(step)
    elif not step.type.startswith(("waqiti:", "pulumi:")):
        yield Meaning(step.service, Effect.NOTHING, f"{step.operation} `{step.name}`{_names(step.changes)}")


def _data(step: Step, may_lose: frozenset[str], what: str = "") -> Meaning:
    what = what or f"{HOLDS_DATA[step.type]} (`{step.name}`) would be {_PAST[step.operation]}"
    if step.operation == "replace":
        what += _by(step)
    if step.protected:
        means = (
            f"it is protected; to give it up, name {step.service} in `waqiti:mayLose`, `pulumi up`, and again"
        )
        return Meaning(step.service, Effect.REFUSED, what, means)
    if step.retained or step.before.get("keep_data"):
        return Meaning(step.service, Effect.REPLACEMENT, what, "what is there stays where it is, unused")
    if step.service in may_lose:
        return Meaning(step.service, Effect.REPLACEMENT, what, "its data is lost, as `waqiti:mayLose` says")
    return Meaning(
        step.service,
        Effect.DATA_AT_RISK,
        what,
        f"**its data is lost**; name {step.service} in `waqiti:mayLose` if that is meant",
    )


_PAST = {"replace": "replaced", "delete": "deleted", "create": "made", "update": "changed"}


def _by(step: Step) -> str:
    return f" (by {', '.join(f'`{name}`' for name in step.why_replaced)})" if step.why_replaced else ""


def _new_service(step: Step) -> Iterator[Meaning]:
    if step.type in _GATEWAYS:
        port = step.after.get("port")
        yield Meaning(
            step.service,
            Effect.NOTHING,
            f"**new**: an instance, roles, a gateway at port {port:g}",
            "the gateway leads to the shared database until the service is moved",
        )


def _gone_service(step: Step, may_lose: frozenset[str]) -> Iterator[Meaning]:
    if step.type in HOLDS_DATA:
        yield _data(step, may_lose, "its data would be deleted")
    if step.type in _GATEWAYS:
        yield Meaning(
            step.service,
            Effect.REPLACEMENT,
            "**leaves the stack**: its gateway stops",
            "its applications reach nothing at this endpoint any more",
        )


def _local_instance(step: Step) -> Iterator[Meaning]:
    if step.operation == "create":
        yield Meaning(step.service, Effect.NOTHING, "an instance is made")
    if step.operation != "update":
        return
    if not step.changes:
        yield _not_as_left(step, "its instance")
    for change in step.changes:
        if change.name == "parameters":
            yield from changed_parameters(step.service, change, _version(step), "local")
        elif change.name in ("port", "binaries", "address", "sockets"):
            yield Meaning(step.service, Effect.RESTART, listed([change]), waits.restart("local"))
        elif change.name in ("roles", "replication_roles", "database"):
            yield Meaning(step.service, Effect.RELOAD, f"who may log in ({_lists(change)})", "nobody waits")
        elif change.name == "certificate":
            yield Meaning(step.service, Effect.RELOAD, "its certificate", "nobody waits")
        elif change.name == "administrator_password":
            yield Meaning(step.service, Effect.NOTHING, "its administrator's password", "nobody waits")
        elif change.name == "keep_data":
            kept = "leaves its data where it is" if change.after else "removes its data"
            yield Meaning(step.service, Effect.NOTHING, f"`pulumi destroy` now {kept}")


def _docker_files(step: Step) -> Iterator[Meaning]:
    if step.operation != "update":
        return
    if not step.changes:
        yield _not_as_left(step, "its instance's configuration")
    for change in step.changes:
        if change.name == "parameters":
            yield from changed_parameters(step.service, change, _version(step), "docker")
        elif change.name in ("roles", "replication_roles", "reading_roles", "database"):
            yield Meaning(step.service, Effect.RELOAD, f"who may log in ({_lists(change)})", "nobody waits")
        elif change.name == "certificate":
            yield Meaning(step.service, Effect.RELOAD, "its certificate", "nobody waits")


def _archive(step: Step) -> Iterator[Meaning]:
    if step.operation == "create":
        yield Meaning(step.service, Effect.NOTHING, "an archive is made, and a first backup begins")
    elif step.operation == "update":
        yield Meaning(step.service, Effect.NOTHING, "how its archive is filled", _ARCHIVE)
    elif step.operation == "delete":
        kept = "its files stay" if step.before.get("keep_data") else "its files are removed"
        yield Meaning(step.service, Effect.NOTHING, f"its archive is filled no more: {kept}")


def _container(step: Step) -> Iterator[Meaning]:
    if step.name.endswith("-archive-container"):
        if step.operation != "create":
            yield Meaning(
                step.service, Effect.NOTHING, f"its archive's container{_names(step.changes)}", _ARCHIVE
            )
        return
    gateway = step.name.endswith("-gateway-container")
    whose = "its gateway's container" if gateway else "its instance's container"
    if step.operation == "replace":
        means = waits.GATEWAY if gateway else waits.REPLACED
        yield Meaning(step.service, Effect.REPLACEMENT, f"{whose}{_names(step.changes)}", means)
    elif step.operation == "update":
        yield Meaning(step.service, Effect.NOTHING, f"{whose}{_names(step.changes)}", "while it runs")


def _gateway(step: Step) -> Iterator[Meaning]:
    if step.operation != "update":
        return
    if not step.changes:
        yield _not_as_left(step, "its gateway")
    for change in step.changes:
        if change.name == "settings":
            pools = list(differences(change.before or {}, change.after or {}))
            restarted = any(one.name in RESTART_SETTINGS for one in pools)
            effect, means = (Effect.RESTART, waits.GATEWAY) if restarted else (Effect.RELOAD, "nobody waits")
            yield Meaning(step.service, effect, f"its gateway: {listed(pools)}", means)
        elif change.name == "port":
            means = "its applications have to be pointed at the new port"
            yield Meaning(step.service, Effect.RESTART, f"its endpoint: {listed([change])}", means)
        elif change.name in ("binary", "address", "sockets"):
            yield Meaning(step.service, Effect.RESTART, f"its gateway: {listed([change])}", waits.GATEWAY)
        elif change.name in ("source", "database", "service_role"):
            yield Meaning(
                step.service, Effect.RELOAD, f"its gateway's {change.name.replace('_', ' ')}{_inner(change)}"
            )
        elif change.name == "source_password":
            yield Meaning(step.service, Effect.RELOAD, "the shared database's password at its gateway")


def _role(step: Step) -> Iterator[Meaning]:
    role = step.after.get("name") or step.before.get("name")
    if step.operation == "replace":
        means = "PostgreSQL refuses to drop one that owns anything; what it may do is lost"
        yield Meaning(step.service, Effect.REPLACEMENT, f"role `{role}` is made anew{_by(step)}", means)
    elif step.operation == "delete":
        yield Meaning(
            step.service, Effect.REPLACEMENT, f"role `{role}` is dropped", "who logs in as it is refused"
        )
    elif step.operation == "create":
        yield Meaning(step.service, Effect.NOTHING, f"role `{role}` is made")
    elif change := step.change("name"):
        means = f"its applications have to log in as `{change.after}`, at once"
        yield Meaning(
            step.service, Effect.REPLACEMENT, f"role `{change.before}` is renamed `{change.after}`", means
        )
    elif step.changes:
        words = [_SECRET_ONLY if one.name == "password" else _lists(one) for one in step.changes]
        yield Meaning(step.service, Effect.NOTHING, f"role `{role}`: {', '.join(words)}", "for new sessions")


def _role_settings(step: Step) -> Iterator[Meaning]:
    if step.operation == "update" and (change := step.change("settings")):
        settings = listed(list(differences(change.before or {}, change.after or {})))
        yield Meaning(step.service, Effect.NOTHING, f"`{step.after['role']}`: {settings}", "for new sessions")
    if step.operation == "update" and (change := step.change("may_set")):
        yield Meaning(step.service, Effect.NOTHING, f"`{step.after['role']}` may set ({_lists(change)})")
    if step.operation == "update" and (change := step.change("may_alter_system")):
        yield Meaning(
            step.service, Effect.NOTHING, f"`{step.after['role']}` may ALTER SYSTEM ({_lists(change)})"
        )


def _extension(step: Step) -> Iterator[Meaning]:
    name = step.after.get("name") or step.before.get("name")
    if step.operation == "create":
        yield Meaning(step.service, Effect.NOTHING, f"extension `{name}` is made")
    elif step.operation in ("delete", "replace"):
        means = "PostgreSQL refuses while a column or an index needs it"
        yield Meaning(step.service, Effect.REPLACEMENT, f"extension `{name}` is dropped", means)
    else:
        yield Meaning(step.service, Effect.NOTHING, f"extension `{name}`{_names(step.changes)}")


def _grant(step: Step) -> Iterator[Meaning]:
    one = step.after or step.before
    where = one.get("schema") or one.get("objectType") or one.get("object_type")
    change = step.change("privileges")
    what = f" ({_lists(change)})" if change else f" ({', '.join(one.get('privileges') or []) or 'none'})"
    yield Meaning(
        step.service, Effect.NOTHING, f"rights of `{one.get('role')}` on {where}: {step.operation}{what}"
    )


def _secret(step: Step) -> Iterator[Meaning]:
    if step.operation == "update":
        means = "both ends change in one `up`; who read the old one from the stack has to read it again"
        yield Meaning(step.service, Effect.NOTHING, "its generated passwords are drawn anew", means)


def _locale(step: Step) -> Iterator[Meaning]:
    if step.operation == "update" and step.change("locale"):
        means = "refused by `up` if the database holds tables"
        yield Meaning(step.service, Effect.REPLACEMENT, "the locale of its database", means)


def _network(step: Step) -> Iterator[Meaning]:
    if step.operation == "replace":
        means = "Docker refuses while containers are in it"
        yield Meaning(step.service, Effect.REPLACEMENT, f"network `{step.name}`{_by(step)}", means)
    elif step.operation in ("create", "delete"):
        yield Meaning(step.service, Effect.NOTHING, f"network `{step.name}` is {_PAST[step.operation]}")


def _link(step: Step) -> Iterator[Meaning]:
    done = {"create": "joins", "delete": "leaves"}.get(step.operation)
    if done:
        yield Meaning(
            step.service, Effect.NOTHING, f"`{step.name}`: a container {done} a network", "while it runs"
        )


def _with_the_container(_step: Step) -> Iterator[Meaning]:
    """What follows another resource of the service, which says it."""
    yield from ()


def _data_holder(step: Step) -> Iterator[Meaning]:
    if step.operation == "create":
        yield Meaning(step.service, Effect.NOTHING, f"{HOLDS_DATA[step.type]} is made")
    elif step.operation == "update":
        yield Meaning(step.service, Effect.NOTHING, f"{HOLDS_DATA[step.type]}{_names(step.changes)}")


def _certificate(step: Step) -> Iterator[Meaning]:
    if step.operation in ("update", "replace"):
        what = "a new certificate" if not step.changes else f"a new certificate{_names(step.changes)}"
        yield Meaning(step.service, Effect.RELOAD, what, "nobody waits")


_Rule = Callable[[Step], Iterator[Meaning]]


def _restore_points(step: Step) -> Iterator[Meaning]:
    """Where instances are and what they hold is in it, too; that is said of the services."""
    changed = [change for change in step.changes if change.name in {"every", "keep", "digests"}]
    if step.operation != "update" or changed:
        yield Meaning(step.service, Effect.NOTHING, f"restore points by themselves{_names(tuple(changed))}")


_RULES: Mapping[str, _Rule] = {
    f"{_DYNAMIC}local:Instance": _local_instance,
    f"{_DYNAMIC}local:Gateway": _gateway,
    f"{_DYNAMIC}local:Network": _certificate,
    f"{_DYNAMIC}docker:InstanceFiles": _docker_files,
    f"{_DYNAMIC}docker:Instance": _with_the_container,
    f"{_DYNAMIC}docker:GatewayFiles": _gateway,
    f"{_DYNAMIC}docker:Gateway": _with_the_container,
    f"{_DYNAMIC}docker:Link": _link,
    f"{_DYNAMIC}docker:ArchiveFiles": _archive,
    f"{_DYNAMIC}docker:Archive": _with_the_container,
    f"{_DYNAMIC}local:RestorePoints": _restore_points,
    f"{_DYNAMIC}waqiti:RoleSettings": _role_settings,
    f"{_DYNAMIC}waqiti:GeneratedSecret": _secret,
    f"{_DYNAMIC}waqiti:DatabaseLocale": _locale,
    "docker:index/container:Container": _container,
    "docker:index/network:Network": _network,
    "docker:index/volume:Volume": _data_holder,
    "postgresql:index/role:Role": _role,
    "postgresql:index/database:Database": _data_holder,
    "postgresql:index/schema:Schema": _data_holder,
    "postgresql:index/extension:Extension": _extension,
}


def _not_as_left(step: Step, what: str) -> Meaning:
    return Meaning(
        step.service,
        Effect.RESTART,
        f"{what} is not as the last `up` left it: stopped, or changed by hand",
        "it is brought back, by a start or a restart where that is needed; `script/drift` says what differs",
    )


def _version(step: Step) -> int:
    return int((step.after or step.before).get("version") or 17)


def _lists(change: Change) -> str:
    before, after = change.before or [], change.after or []
    if not isinstance(before, list) or not isinstance(after, list):
        return listed([change])
    words = [f"+ {one}" for one in after if one not in before] + [
        f"- {one}" for one in before if one not in after
    ]
    return ", ".join(words) or "in another order"


def _inner(change: Change) -> str:
    if isinstance(change.before, dict) and isinstance(change.after, dict):
        return f": {listed(list(differences(change.before, change.after)))}"
    return f": {listed([change])}"


def _names(changes: tuple[Change, ...]) -> str:
    return f" ({', '.join(f'`{change.name}`' for change in changes)})" if changes else ""
