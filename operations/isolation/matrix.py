"""What may be reached in a stack on Docker and what may not, and the matrix of what was. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

ELSEWHERE = "elsewhere"
"""The row of the container in no network of the stack."""
ARCHIVE = "archive of "
"""Before a service's name: the row of the network in which its archive is."""
WITHOUT_ROUTE = 25
"""From this major version on, Docker Engine writes no default route into an internal network:
https://docs.docker.com/engine/release-notes/25.0/, moby/moby pull request 46603."""


@dataclass(frozen=True)
class Attempt:
    """One thing that was tried, and what came of it."""

    target: str
    """`gateway:user`, `instance:user`, `archive:user`, `host` or `out`."""
    address: str
    port: int
    result: str
    """`open`, `refused` (somebody is there), `no-route` (ENETUNREACH: known at once, nothing was sent),
    `no-host` (EHOSTUNREACH: nobody has the address, after about 3 s), `no-name`, `silence` or `other`."""
    milliseconds: int

    @property
    def reached(self) -> bool:
        """Whether anything answered, a refusal is an answer too. On the way out silence is none: it is of
        somewhere else."""
        return self.result in ("open", "refused") or (self.target == "out" and self.result == "silence")


@dataclass
class Findings:
    """What was tried from where."""

    services: tuple[str, ...]
    engine: str
    """Docker Engine's version."""
    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    """By the service whose network it was tried from, ARCHIVE with a service's name, and ELSEWHERE."""
    default_routes: dict[str, int] = field(default_factory=dict)
    members: dict[str, frozenset[str]] = field(default_factory=dict)
    """By network of a service, `user`, `user-inner` and `user-archive`: who is in it, without the stack's
    name in front. Of the first one, which applications join, only the stack's own containers."""
    reads: tuple[tuple[str, str], ...] = ()
    """(reader, service): whose instance is let through to whose, by the catalogue."""
    logins: dict[tuple[str, str], str] = field(default_factory=dict)
    """(whose login, whose database): where it got in, empty when nowhere."""

    def breaches(self) -> list[str]:
        """A line for everything that was reached and should not have been, or the other way round."""
        routes = self._default_routes() if self._writes_no_routes() else ()
        return [*self._networks(), *self._strangers(), *routes, *self._logins()]

    def notes(self) -> list[str]:
        """A line for what this engine cannot do better."""
        if self._writes_no_routes() or not list(self._default_routes()):
            return []
        return [
            f"Docker Engine {self.engine} gives containers a default route that leads to nobody: what is"
            f" outside is unreachable after about 3 s; from {WITHOUT_ROUTE} on there is none: at once"
        ]

    def _writes_no_routes(self) -> bool:
        return int(self.engine.partition(".")[0]) >= WITHOUT_ROUTE

    def _default_routes(self) -> Iterator[str]:
        for origin, count in self.default_routes.items():
            if origin != ELSEWHERE and count:
                yield f"from {origin}'s network: there is a default route"

    def _networks(self) -> Iterator[str]:
        for origin, tried in self.attempts.items():
            own = False
            for one in tried:
                mine = one.target == _own(origin)
                own |= mine and one.result == "open"
                if one.reached and not mine and one.target != _itself(origin):
                    yield f"from {origin}'s network: {one.target} at {one.address}:{one.port} is {one.result}"
            if origin != ELSEWHERE and not own:
                what = "instance" if origin.startswith(ARCHIVE) else "gateway"
                yield f"from {origin}'s network: its own {what} is not in reach"

    def _strangers(self) -> Iterator[str]:
        for service in self.services:
            own = {f"{service}-instance", f"{service}-gateway"}
            let_in = {f"{reader}-instance" for reader, read in self.reads if read == service}
            archive = {f"{service}-instance", f"{service}-archive"}
            for network, admitted in (
                (service, own),
                (f"{service}-inner", own | let_in),
                (f"{service}-archive", archive),
            ):
                for one in sorted(self.members.get(network, frozenset()) - admitted):
                    yield f"{one} is in the network {network}"

    def _logins(self) -> Iterator[str]:
        for (whose, database), where in self.logins.items():
            if where and whose != database:
                yield f"{whose}'s login gets in at {database}'s {where}"
            if whose == database and not where:
                yield f"{whose}'s login does not get in at its own gateway"


def _own(origin: str) -> str:
    """The one thing that may be reached from there."""
    is_archive = origin.startswith(ARCHIVE)
    return f"instance:{origin.removeprefix(ARCHIVE)}" if is_archive else f"gateway:{origin}"


def _itself(origin: str) -> str:
    """What is in that network because the network is its own, beside what it may reach."""
    return f"archive:{origin.removeprefix(ARCHIVE)}" if origin.startswith(ARCHIVE) else ""


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
