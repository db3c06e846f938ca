"""What a step means to those who use a service, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum


class Effect(IntEnum):
    """How much a service notices, from nothing upwards."""

    NOTHING = 0
    RELOAD = 1
    RESTART = 2
    REPLACEMENT = 3
    DATA_AT_RISK = 4
    REFUSED = 5

    @property
    def word(self) -> str:
        """As the page says it."""
        return self.name.lower().replace("_", " ") if self else "in place"


@dataclass(frozen=True)
class Meaning:
    """One change of one service."""

    service: str | None
    """None: of the whole stack."""
    effect: Effect
    what: str
    """What changes, in Markdown."""
    means: str = ""
    """What that does to its clients or its data."""

    @property
    def no_go(self) -> bool:
        """Whether a person has to decide before this may be done."""
        return self.effect >= Effect.DATA_AT_RISK


def by_service(meanings: Iterable[Meaning]) -> list[tuple[tuple[str, ...], Sequence[Meaning]]]:
    """Services with what changes in each, the gravest first; those that change alike stand together."""
    found: dict[str, list[Meaning]] = {}
    for meaning in meanings:
        found.setdefault(meaning.service or "", []).append(meaning)
    alike: dict[tuple[tuple[Effect, str, str], ...], list[str]] = {}
    for service, own in found.items():
        own.sort(key=lambda one: -one.effect)
        alike.setdefault(tuple((one.effect, one.what, one.means) for one in own), []).append(service)
    groups = [(tuple(services), found[services[0]]) for services in alike.values()]
    return sorted(groups, key=lambda group: (-max(one.effect for one in group[1]), group[0]))
