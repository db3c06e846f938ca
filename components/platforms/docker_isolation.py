"""Tries to get from everywhere to everywhere in a stack on Docker, and prints what can be reached as a matrix.

A container of the instances' image joins each service's network as an application would, and one an ordinary
network that is not the stack's. Each tries every service's gateway and instance (by name, by every address), the
host's addresses and the way out (192.0.2.1, for documentation: nobody has it). Then each service's login is tried
at every other service's gateway and instance, from the host, which is where they are in reach.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg

from components.contract import Contract, Endpoint, Login, Service
from components.platforms.docker_engine import Engine

OUTSIDE = "192.0.2.1"
"""RFC 5737: nobody's."""
ELSEWHERE = "elsewhere"
"""The row of the container in no network of the stack."""
_SSH, _HTTP = 22, 80

_SCRIPT = """
echo "route $(ip -4 route show default 2>/dev/null | wc -l)"
try() {
    local began=$EPOCHREALTIME said
    said=$(timeout %(seconds)d bash -c ": </dev/tcp/$2/$3" 2>&1)
    case $? in
    0) said=open ;;
    124) said=silence ;;
    *) case $said in *refused*) said=refused ;; *) said=unreachable ;; esac ;;
    esac
    echo "try $1 $2 $3 $said $(( (${EPOCHREALTIME/./} - ${began/./}) / 1000 ))"
}
while read -r what address port; do
    try "$what" "$address" "$port" &
done <<'TARGETS'
%(targets)s
TARGETS
wait
"""
_SECONDS = 8


@dataclass(frozen=True)
class Attempt:
    """One thing that was tried, and what came of it."""

    target: str
    """`gateway:user`, `instance:user`, `host` or `out`."""
    address: str
    port: int
    result: str
    """`open`, `refused` (somebody is there), `unreachable` or `silence`."""
    milliseconds: int

    @property
    def reached(self) -> bool:
        """Whether anything answered: a refusal is an answer too."""
        return self.result in ("open", "refused")


@dataclass
class Findings:
    """What was tried from where."""

    services: tuple[str, ...]
    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    """By the service whose network it was tried from, and ELSEWHERE."""
    default_routes: dict[str, int] = field(default_factory=dict)
    logins: dict[tuple[str, str], str] = field(default_factory=dict)
    """(whose login, whose database): where it got in, empty when nowhere."""

    def breaches(self) -> list[str]:
        """A line for everything that was reached and should not have been, or the other way round."""
        return [*self._networks(), *self._logins()]

    def _networks(self) -> Iterator[str]:
        for origin, tried in self.attempts.items():
            own = False
            for one in tried:
                mine = one.target == f"gateway:{origin}"
                own |= mine and one.result == "open"
                if one.reached and not mine:
                    yield f"from {origin}'s network: {one.target} at {one.address}:{one.port} is {one.result}"
            if origin != ELSEWHERE and not own:
                yield f"from {origin}'s network: its own gateway is not in reach"

    def _logins(self) -> Iterator[str]:
        for (whose, database), where in self.logins.items():
            if where and whose != database:
                yield f"{whose}'s login gets in at {database}'s {where}"
            if whose == database and not where:
                yield f"{whose}'s login does not get in at its own gateway"


def find_out(engine: Engine, contract: Contract) -> Findings:
    """Try everything. Makes containers and a network, and removes them. Raises ServerError."""
    stack = f"{contract.project}-{contract.stack}"
    findings = Findings(tuple(contract.services))
    labels = {"waqiti.probe": stack}
    one = engine.container(f"{stack}-{findings.services[0]}-instance")
    image = str(one["Image"]) if one else ""
    targets = "\n".join(f"{what} {address} {port}" for what, address, port in _targets(engine, contract))
    script = _SCRIPT % {"seconds": _SECONDS, "targets": targets}
    # An ordinary network has a way out, and nothing of this may take it: only what the host knows a way to.
    inside = {service.instance.address for service in contract.services.values()}
    inside |= {service.endpoint.address for service in contract.services.values()}
    inside_only = "\n".join(line for line in targets.splitlines() if line.split()[1] in inside)
    elsewhere = f"{stack}-probe-{secrets.token_hex(4)}"
    engine.make_network(elsewhere, labels, internal=False)
    try:
        origins = {name: (f"{stack}-{name}", script) for name in findings.services}
        origins[ELSEWHERE] = (elsewhere, _SCRIPT % {"seconds": _SECONDS, "targets": inside_only})
        with ThreadPoolExecutor(max_workers=3) as pool:
            said = pool.map(lambda where: engine.run(image, where[0], where[1], labels), origins.values())
            for origin, lines in zip(origins, said, strict=True):
                _take_in(findings, origin, lines)
    finally:
        engine.remove_network(elsewhere)
    for whose, one_service in contract.services.items():
        for name, other in contract.services.items():
            findings.logins[whose, name] = _gets_in(one_service, other)
    return findings


def matrix(findings: Findings) -> str:
    """The findings as a table: a row for where it was tried from, a column for what was tried."""
    columns = [*findings.services, "host", "out", "route out", "logins"]
    rows = [["from \\ to", *columns]]
    for origin, tried in findings.attempts.items():
        row = [origin]
        for column in (*findings.services, "host", "out"):
            reached = sorted(
                {
                    one.target.partition(":")[0]
                    for one in tried
                    if one.reached and (one.target == column or one.target.endswith(f":{column}"))
                }
            )
            row.append("+".join(reached) or "-")
        row.append(str(findings.default_routes[origin]))
        row.append(",".join(name for name in findings.services if findings.logins.get((origin, name))) or "-")
        rows.append(row)
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _targets(engine: Engine, contract: Contract) -> Iterator[tuple[str, str, int]]:
    stack = f"{contract.project}-{contract.stack}"
    host = set()
    for name, service in contract.services.items():
        for kind, endpoint, names in (
            ("gateway", service.endpoint, (service.endpoint.host, f"{stack}-{name}-gateway")),
            ("instance", service.instance, (f"{service.endpoint.host}-instance", f"{stack}-{name}-instance")),
        ):
            found = engine.container(f"{stack}-{name}-{kind}") or {"NetworkSettings": {"Networks": {}}}
            networks: Mapping[str, Mapping[str, str]] = found["NetworkSettings"]["Networks"]
            for address in (*names, *(one["IPAddress"] for one in networks.values())):
                yield f"{kind}:{name}", address, endpoint.port
            host |= {one["Gateway"] for one in networks.values() if one.get("Gateway")}
    ports = {
        one.port for service in contract.services.values() for one in (service.endpoint, service.instance)
    }
    for address in sorted(host):
        # A published port would be at the host's addresses.
        for port in (_SSH, contract.source.endpoint.port, *sorted(ports)):
            yield "host", address, port
    yield "out", OUTSIDE, _HTTP


def _take_in(findings: Findings, origin: str, lines: list[str]) -> None:
    attempts = findings.attempts.setdefault(origin, [])
    for line in lines:
        word, *rest = line.split()
        if word == "route":
            findings.default_routes[origin] = int(rest[0])
        elif word == "try" and len(rest) == 5:
            target, address, port, result, milliseconds = rest
            attempts.append(Attempt(target, address, int(port), result, int(milliseconds)))


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
            connect_timeout=5,
            prepare_threshold=None,
        ).close()
    except psycopg.OperationalError:
        return False
    return True
