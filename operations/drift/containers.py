"""Containers and networks of a service against what was declared: limits, who is where, ways out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from operations.drift.model import Declared, Difference
from operations.drift.session import up
from servers.docker_engine import Engine

_MB = 1024**2
_NANO = 10**9


def check(declared: Declared) -> Iterator[Difference]:
    """What of the service's containers and networks is otherwise; nothing on the local platform."""
    if declared.platform != "docker":
        return
    engine = Engine(str(declared.instance["socket"]))
    for one in declared.of("container:Container"):
        name = str(one["name"])
        found = engine.container(name)
        if found is None:
            yield _difference(declared, f"container {name}", "there", "gone", up(declared))
            continue
        if not found["State"]["Running"]:
            start = f"docker start {name}"
            yield _difference(declared, f"container {name}", "running", found["State"]["Status"], start)
        yield from _limits(declared, name, one, found["HostConfig"])
        yield from _networks(declared, name, found)
    for one in declared.of("network:Network"):
        network = engine.network(str(one["name"]))
        if network is None:
            yield _difference(declared, f"network {one['name']}", "there", "gone", up(declared))
        else:
            yield from _network(declared, one, network)


def _limits(
    declared: Declared, name: str, want: Mapping[str, Any], host: Mapping[str, Any]
) -> Iterator[Difference]:
    processes = next(
        (
            int(one["processes"])
            for kind in ("docker:Instance", "docker:Gateway", "docker:Archive")
            for one in declared.of(kind)
            if one.get("container") == name
        ),
        None,
    )
    limits: list[tuple[str, Any, Any, str]] = [
        ("memory", _bytes(want.get("memory")), host["Memory"], "--memory={}"),
        ("memory and swap", _bytes(want.get("memorySwap")), host["MemorySwap"], "--memory-swap={}"),
        ("shares of the processors", _number(want.get("cpuShares")), host["CpuShares"], "--cpu-shares={}"),
        ("processes", processes, host.get("PidsLimit"), "--pids-limit={}"),
        ("restart", str(want.get("restart") or "no"), host["RestartPolicy"]["Name"] or "no", "--restart={}"),
    ]
    if want.get("cpus") is not None:
        limits.append(("processors", round(float(want["cpus"]) * _NANO), host["NanoCpus"], "--cpus={}"))
    for what, wanted, found, option in limits:
        if wanted is not None and wanted != found:
            value = float(want["cpus"]) if what == "processors" else wanted
            mend = f"docker update {option.format(value)} {name}"
            yield _difference(declared, f"{name}: {what}", str(wanted), str(found), mend)


def _networks(declared: Declared, name: str, found: Mapping[str, Any]) -> Iterator[Difference]:
    own = {str(one["name"]) for one in declared.of("network:Network") if _is_in(name, str(one["name"]))}
    linked = {str(one["network"]) for one in declared.of("docker:Link") if one.get("container") == name}
    there = set(found["NetworkSettings"]["Networks"])
    for network in sorted(there - own - linked):
        mend = f"docker network disconnect {network} {name}"
        yield _difference(declared, f"{name} in network {network}", "not in it", "in it", mend)
    for network in sorted(own - there):
        mend = up(declared)
        yield _difference(declared, f"{name} in network {network}", "in it", "not in it", mend)


def _is_in(container: str, network: str) -> bool:
    """Whether a container is made in a network of its service: a gateway in those of the applications and of
    the instance, an instance in the latter, an archive in its own."""
    if container.endswith("-archive") or network.endswith("-archive"):
        return container == network
    return network.endswith("-inner") or not container.endswith("-instance")


def _network(declared: Declared, want: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Difference]:
    if bool(want.get("internal")) != bool(found.get("Internal")):
        states = [
            ("no way out" if one else "a way out") for one in (want.get("internal"), found.get("Internal"))
        ]
        yield _difference(declared, f"network {want['name']}", states[0], states[1], up(declared))
    if str(want["name"]).endswith(("-inner", "-archive")):
        ours = {str(one["name"]) for one in declared.of("container:Container")}
        readers = {str(one["container"]) for one in declared.of("docker:Link")}
        for one in (found.get("Containers") or {}).values():
            stranger = one["Name"] not in ours | readers and not one["Name"].endswith("-instance")
            if stranger:
                mend = f"docker network disconnect {want['name']} {one['Name']}"
                what = f"network {want['name']}"
                yield _difference(declared, what, "its own containers", f"{one['Name']}, too", mend)


def _bytes(megabytes: Any) -> int | None:
    return None if megabytes is None else int(megabytes) * _MB


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _difference(declared: Declared, what: str, want: str, found: str, mend: str) -> Difference:
    return Difference(declared.service, what, want, found, "the Docker Engine", mend)
