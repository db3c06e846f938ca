"""Tries to get from everywhere to everywhere in a stack on Docker.

A container of the instances' image joins each service's network as an application would, one the network
of each service's archive, and one an ordinary network that is not the stack's. Each tries every service's
gateway and instance (by name, by every address), the host's addresses and the way out (192.0.2.1, for
documentation: nobody has it). Then each service's login is tried at every other service's gateway and
instance, from the host, which is where they are in reach.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg

from components.contract import Contract, Endpoint, Login, Service
from operations.isolation.matrix import ARCHIVE, ELSEWHERE, Attempt, Findings
from servers.docker_engine import Engine
from servers.errors import ServerError

OUTSIDE = "192.0.2.1"
"""RFC 5737: nobody's."""
_SSH, _HTTP = 22, 80

_SCRIPT = """
export LC_ALL=C
echo "route $(ip -4 route show default 2>/dev/null | wc -l)"
try() {
    local began=$EPOCHREALTIME said
    said=$(timeout %(seconds)d bash -c ": </dev/tcp/$2/$3" 2>&1)
    case $? in
    0) said=open ;;
    124) said=silence ;;
    *)
        case $said in
        *refused*) said=refused ;;
        *'Network is unreachable'*) said=no-route ;;
        *'No route to host'*) said=no-host ;;
        *'not known'* | *'name resolution'*) said=no-name ;;
        *) said=other ;;
        esac
        ;;
    esac
    echo "try $1 $2 $3 $said $(( (${EPOCHREALTIME/./} - ${began/./}) / 1000 ))"
}
while read -r what address port; do
    try "$what" "$address" "$port" &
    while [ "$(jobs -pr | wc -l)" -ge %(at_once)d ]; do wait -n; done
done <<'TARGETS'
%(targets)s
TARGETS
wait
"""
_SECONDS = 8
_AT_ONCE = 60


def find_out(engine: Engine, contract: Contract) -> Findings:
    """Try everything. Makes containers and a network, and removes them. Raises ServerError."""
    stack = _stack(contract)
    findings = Findings(tuple(contract.services), str(engine.info()["ServerVersion"]))
    findings.reads = tuple((one.name, read) for one in contract.services.values() for read in one.reads)
    findings.members = _members(engine, stack, findings.services)
    labels = {"waqiti.probe": stack}
    one = engine.container(f"{stack}-{findings.services[0]}-instance")
    image = str(one["Image"]) if one else ""
    hosts = {name: _hosts(engine, stack, name) for name in findings.services}
    everything = list(_targets(engine, contract, hosts))
    # An ordinary network has a way out, and nothing of this may take it: only what the host knows a way to.
    inside = {
        one.address for service in contract.services.values() for one in (service.endpoint, service.instance)
    }
    targets = {
        name: [one for one in everything if one[0] != "host" or one[1] in hosts[name]]
        for name in findings.services
    }
    archives = [name for name, one in contract.services.items() if _archive_of(one)]
    targets |= {f"{ARCHIVE}{name}": targets[name] for name in archives}
    targets[ELSEWHERE] = [one for one in everything if one[1] in inside]
    elsewhere = f"{stack}-probe-{secrets.token_hex(4)}"
    engine.make_network(elsewhere, labels)
    try:
        networks = {name: f"{stack}-{name}" for name in findings.services} | {ELSEWHERE: elsewhere}
        networks |= {f"{ARCHIVE}{name}": f"{stack}-{name}-archive" for name in archives}
        with ThreadPoolExecutor(max_workers=5) as pool:
            said = pool.map(
                lambda origin: engine.run(image, networks[origin], script(targets[origin]), labels), networks
            )
            for origin, lines in zip(networks, said, strict=True):
                _take_in(findings, origin, lines, len(targets[origin]))
    finally:
        engine.remove_network(elsewhere)
    for whose, one_service in contract.services.items():
        for name, other in contract.services.items():
            findings.logins[whose, name] = _gets_in(one_service, other)
    return findings


Target = tuple[str, str, int]
"""What it is, where, and the port."""


def _targets(engine: Engine, contract: Contract, hosts: Mapping[str, frozenset[str]]) -> Iterator[Target]:
    ports = set()
    for name, service in contract.services.items():
        for kind, endpoint, host in (
            ("gateway", service.endpoint, service.endpoint.host),
            ("instance", service.instance, f"{service.endpoint.host}-instance"),
        ):
            container = f"{_stack(contract)}-{name}-{kind}"
            addresses = [one["IPAddress"] for one in _networks_of(engine, container).values()]
            for address in (host, container, *addresses):
                yield f"{kind}:{name}", address, endpoint.port
        if where := _archive_of(service):
            for address in (where, *(one["IPAddress"] for one in _networks_of(engine, where).values())):
                yield f"archive:{name}", address, endpoint.port
            ports.add(endpoint.port)
    for address in sorted(frozenset().union(*hosts.values())):
        # A published port would be at the host's addresses.
        for port in (_SSH, contract.source.endpoint.port, *sorted(ports)):
            yield "host", address, port
    yield "out", OUTSIDE, _HTTP


def _hosts(engine: Engine, stack: str, service: str) -> frozenset[str]:
    """The host's addresses in the networks of a service's containers, and the one that its applications'
    network would have for it. Asked of the networks: an internal one's is not among a container's."""
    names = {
        name
        for kind in ("gateway", "instance", "archive")
        for name in _networks_of(engine, f"{stack}-{service}-{kind}")
    }
    configured = [((engine.network(name) or {}).get("IPAM") or {}).get("Config") or [] for name in names]
    return frozenset(one["Gateway"] for several in configured for one in several if one.get("Gateway"))


def _members(engine: Engine, stack: str, services: Sequence[str]) -> dict[str, frozenset[str]]:
    """Everybody in an inner network; of an applications' network only the stack's own containers."""
    own = {f"{stack}-{name}-{kind}" for name in services for kind in ("gateway", "instance")}
    found = {}
    for network in (network for name in services for network in (name, f"{name}-inner", f"{name}-archive")):
        containers = ((engine.network(f"{stack}-{network}") or {}).get("Containers") or {}).values()
        members = {str(one["Name"]) for one in containers}
        if network in services:
            members &= own
        found[network] = frozenset(name.removeprefix(f"{stack}-") for name in members)
    return found


def _archive_of(service: Service) -> str | None:
    """The container that fills a service's archive."""
    return service.backups.container.name if service.backups and service.backups.container else None


def _networks_of(engine: Engine, container: str) -> Mapping[str, Mapping[str, str]]:
    """A container's networks by name."""
    found = engine.container(container)
    return {} if found is None else dict(found["NetworkSettings"]["Networks"])


def _stack(contract: Contract) -> str:
    return f"{contract.project}-{contract.stack}"


def script(targets: Sequence[Target]) -> str:
    """Bash that tries all of them, and says a line of each: see `attempts_of`."""
    lines = "\n".join(f"{what} {address} {port}" for what, address, port in targets)
    return _SCRIPT % {"seconds": _SECONDS, "at_once": _AT_ONCE, "targets": lines}


def _take_in(findings: Findings, origin: str, lines: list[str], expected: int) -> None:
    findings.attempts[origin] = attempts_of(lines, origin, expected)
    for line in lines:
        if line.startswith("route "):
            findings.default_routes[origin] = int(line.split()[1])


def attempts_of(lines: Sequence[str], origin: str, expected: int) -> list[Attempt]:
    """What `script` said. Raises ServerError where not all was tried: that must not pass for what was not
    reached."""
    found = []
    for line in lines:
        word, *rest = line.split() or [""]
        if word == "try" and len(rest) == 5:
            target, address, port, result, milliseconds = rest
            found.append(Attempt(target, address, int(port), result, int(milliseconds)))
    if len(found) != expected:
        raise ServerError(
            f"{len(found)} of {expected} attempts ended",
            where=f"the probe in {origin}'s network",
            to_do="run it again",
        )
    return found


def _gets_in(one: Service, other: Service) -> str:
    where = {"gateway": other.endpoint, "instance": other.instance}
    if one.name == other.name:
        where = {"gateway": other.endpoint}
    return "+".join(kind for kind, endpoint in where.items() if _logs_in(endpoint, one.service))


def _logs_in(endpoint: Endpoint, login: Login) -> bool:
    try:
        psycopg.connect(
            host=endpoint.host,
            hostaddr=endpoint.address,
            port=endpoint.port,
            dbname=endpoint.database,
            user=login.name,
            password=login.password.get_secret_value(),
            sslmode=endpoint.sslmode,
            sslrootcert=endpoint.sslrootcert,
            connect_timeout=15,
            prepare_threshold=None,
        ).close()
    except psycopg.OperationalError:
        return False
    return True
