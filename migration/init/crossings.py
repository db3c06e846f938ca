"""A proposal for everything that crosses services, with its reason; what only a person knows is left open.

Proposed is what keeps applications seeing what they see, as far as a rule can: code and types are copied,
what reads other services' tables goes on over a replica. A foreign key is dropped: none holds across
databases. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from components.contract import Contract, CrossingRule
from core.services_yaml import literal
from migration.boundary.edges import Action, Edge
from migration.catalog.objects import Catalog
from migration.plan.make import make_plan
from migration.plan.model import Plan

_MOST_ROUNDS = 30
"""A rule may bring edges to light (what it copies needs something), never so many times over."""
_ACTS = (
    "ON DELETE CASCADE",
    "ON DELETE SET NULL",
    "ON DELETE SET DEFAULT",
    "ON UPDATE CASCADE",
    "ON UPDATE SET NULL",
    "ON UPDATE SET DEFAULT",
)
_TWICE = " would move to "


@dataclass(frozen=True, slots=True)
class Crossing:
    """One edge as the draft shows it."""

    match: str
    action: Action | None
    """None: undecided."""
    reason: str
    """Of the action; or why nothing is proposed."""
    possible: tuple[Action, ...] = ()
    """What it could be, where it is undecided."""
    kept: bool = False
    """It was in services.yaml before."""

    @property
    def rule(self) -> CrossingRule | None:
        """The rule, where it is decided."""
        return CrossingRule(match=self.match, action=self.action, reason=self.reason) if self.action else None


@dataclass(frozen=True)
class Proposed:
    """All services' crossings, and the plan that comes of them."""

    crossings: Mapping[str, tuple[Crossing, ...]]
    plan: Plan
    idle: frozenset[tuple[str, str]]
    """Rules, by service and pattern, that were in services.yaml and match nothing any more."""


def propose(contract: Contract, catalog: Catalog) -> Proposed:
    """Decide what can be decided. The rules that the contract has already come first, and stay."""
    kept = {
        name: tuple(Crossing(rule.match, rule.action, rule.reason, kept=True) for rule in service.crossing)
        for name, service in contract.services.items()
    }
    made: dict[str, dict[str, Crossing]] = {name: {} for name in contract.services}
    plan = make_plan(contract, catalog)
    for _ in range(_MOST_ROUNDS):
        before = {name: dict(found) for name, found in made.items()}
        for name, service in plan.services.items():
            _give_up(made[name], [problem.text for problem in service.problems if problem.kind == "boundary"])
            for edge in service.edges:
                match = literal(edge.identity)
                if edge.action is None and match not in made[name]:
                    made[name][match] = _propose(edge, catalog)
        _not_twice(made, [problem.text for problem in plan.problems if _TWICE in problem.text])
        if made == before:
            break
        plan = make_plan(_with(contract, kept, made), catalog)
    undecided = {
        name: {literal(edge.identity) for edge in service.edges if edge.action is None}
        for name, service in plan.services.items()
    }
    crossings = {
        name: (
            *kept[name],
            # One that a rule has taken away since need not be decided.
            *(one for one in made[name].values() if one.action or one.match in undecided[name]),
        )
        for name in contract.services
    }
    return Proposed(crossings, plan, frozenset(_idle(kept, plan)))


def _with(
    contract: Contract, kept: Mapping[str, Sequence[Crossing]], made: Mapping[str, Mapping[str, Crossing]]
) -> Contract:
    services = {}
    for name, service in contract.services.items():
        rules = tuple(one.rule for one in (*kept[name], *made[name].values()) if one.rule)
        services[name] = service.model_copy(update={"crossing": rules})
    return contract.model_copy(update={"services": services})


def _give_up(made: dict[str, Crossing], problems: Sequence[str]) -> None:
    """A `reference` that cannot be had is left to a person."""
    for match, one in made.items():
        if one.action != "reference":
            continue
        identity = match.replace("[[]", "[").replace("[*]", "*").replace("[?]", "?")
        why = next((text for text in problems if text.startswith(f"{identity} cannot be")), None)
        if why is not None:
            made[match] = replace(one, action=None, reason=why, possible=("drop",))


def _not_twice(made: dict[str, dict[str, Crossing]], problems: Sequence[str]) -> None:
    """What several services would take is left to a person."""
    for text in problems:
        item = text.partition(_TWICE)[0].partition(" ")[2]
        for own in made.values():
            for match, one in own.items():
                if one.action == "move" and match.endswith(f"-> {literal(item)}"):
                    own[match] = replace(one, action=None, reason=text, possible=("move",))


def _idle(kept: Mapping[str, Sequence[Crossing]], plan: Plan) -> list[tuple[str, str]]:
    said = {problem.text for problem in plan.problems}
    return [
        (name, one.match)
        for name, rules in kept.items()
        for one in rules
        if any(f"{name}: {one.match}" in text for text in said)
    ]


def _propose(edge: Edge, catalog: Catalog) -> Crossing:
    match = literal(edge.identity)
    possible = tuple(sorted(edge.possible))
    for action, fits in _PROPOSALS:
        if action in edge.possible and (reason := fits(edge, catalog)):
            return Crossing(match, action, reason)
    return Crossing(match, None, _why_open(edge), possible)


def _key(edge: Edge, _: Catalog) -> str:
    if edge.kind != "foreign key" or edge.found_by != "catalogue" or edge.towards is None:
        return ""
    reason = "no key holds across databases; `python -m migration consistency` checks it from then on"
    acts = [act for act in _ACTS if act in edge.definition]
    if not acts:
        return reason
    return f"{reason}; CHECK: {' and '.join(acts)} ends with it, so {edge.towards} has to tell this service"


def _grant(edge: Edge, _: Catalog) -> str:
    if edge.kind != "grant":
        return ""
    return "the service's own database has no such role; make one there if it is still wanted"


def _code(edge: Edge, catalog: Catalog) -> str:
    referenced = catalog.objects[edge.referenced]
    return f"{referenced.kind} {referenced.identity} holds no rows: each has its own from then on"


def _reading(edge: Edge, _: Catalog) -> str:
    if edge.kind not in {"view", "materialized view", "function", "procedure"}:
        return ""
    return f"it goes on reading, over a replica fed by {edge.towards}; `drop` it once it asks instead"


def _left_over(edge: Edge, catalog: Catalog) -> str:
    if edge.towards is not None or edge.kind == "function":
        return ""
    return f"no service claims {catalog.objects[edge.referenced].identity}, and this one uses it"


_PROPOSALS: tuple[tuple[Action, Callable[[Edge, Catalog], str]], ...] = (
    ("drop", _key),
    ("drop", _grant),
    ("copy", _code),
    ("reference", _reading),
    ("move", _left_over),
)
"""In this order; a reason means yes."""


def _why_open(edge: Edge) -> str:
    if edge.found_by == "dynamic":
        return f"{edge.remedy}: read it, then say `ignore` if it stays in its own schema"
    if not edge.possible or edge.found_by == "rights":
        return edge.remedy or "it has to be changed in the shared database first"
    if edge.found_by == "consequence":
        return "it needs something that a rule drops"
    if edge.kind == "publication":
        return edge.remedy
    if edge.found_by == "outside":
        return "it stays in the shared database and reads what this service leaves there"
    return "what it does for the service would end or change"
