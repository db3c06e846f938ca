"""Services that are switched together, explored exhaustively: every order of steps, crashes, repairs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from migration.switch.protocol import (
    BACK,
    FORWARD,
    FORWARD_TOGETHER,
    Observed,
    Repair,
    Verdict,
    recover,
    recover_together,
    repairs,
)

pytestmark = pytest.mark.unit

Recover = Callable[["Member", bool], Verdict]


@dataclass(frozen=True)
class Member:
    """One service's sides."""

    old_open: bool = True
    new_open: bool = False
    old_up: bool = True
    new_up: bool = True
    ready: bool = False
    """Everything up to its opening is done."""
    settled: bool = False

    def observed(self, begun: bool) -> Observed:
        """What recovery sees."""
        return Observed(self.old_open if self.old_up else None, self.new_open if self.new_up else None, begun)


@dataclass(frozen=True)
class World:
    """Two services, the journal, and the operator's process."""

    members: tuple[Member, Member] = (Member(), Member())
    decided: bool = False
    alive: bool = True

    def with_(self, number: int, **changes: bool) -> World:
        """One member changed."""
        members = list(self.members)
        members[number] = replace(members[number], **changes)
        return replace(self, members=(members[0], members[1]))


def operator(world: World) -> Iterator[World]:
    """It closes and makes ready each, decides, opens each; or it dies."""
    if not world.alive:
        return
    yield replace(world, alive=False)
    for number, one in enumerate(world.members):
        if one.old_open and one.old_up and not world.decided:
            yield world.with_(number, old_open=False)
        if not one.old_open and one.old_up and one.new_up and not one.ready:
            yield world.with_(number, ready=True)
        if world.decided and one.new_up and not one.new_open:
            yield world.with_(number, new_open=True)
    if all(one.ready for one in world.members) and not world.decided:
        yield replace(world, decided=True)


def resume(world: World, decide: Recover) -> Iterator[World]:
    """Each service by itself, in any order, any number of times."""
    if world.alive:
        return
    for number, one in enumerate(world.members):
        verdict = decide(one, world.decided)
        if verdict is Verdict.BACK and one.old_up:
            yield world.with_(number, old_open=True, settled=True)
        if verdict is Verdict.FORWARD and one.new_up:
            yield world.with_(number, new_open=True, settled=True)


def surroundings(world: World) -> Iterator[World]:
    """Servers die and come back."""
    for number, one in enumerate(world.members):
        yield world.with_(number, old_up=not one.old_up)
        yield world.with_(number, new_up=not one.new_up)


def explore(decide: Recover) -> set[World]:
    """Every reachable state."""
    seen: set[World] = set()
    queue = deque([World()])
    while queue:
        world = queue.popleft()
        if world in seen:
            continue
        seen.add(world)
        queue.extend([*operator(world), *resume(world, decide), *surroundings(world)])
    return seen


def by_decision(one: Member, decided: bool) -> Verdict:
    """As the program does it."""
    return recover_together(one.observed(decided), decided=decided)


def by_flags(one: Member, decided: bool) -> Verdict:
    """As if each were alone."""
    return recover(one.observed(decided))


WORLDS = explore(by_decision)


def torn(world: World) -> bool:
    """Whether one of them serves from its new side while the other serves from its old one."""
    one, other = world.members
    return (one.new_open and other.old_open) or (other.new_open and one.old_open)


def test_there_are_never_two_writers_of_one_service() -> None:
    assert not [w for w in WORLDS for one in w.members if one.old_open and one.new_open]


def test_none_is_served_there_while_another_is_served_here() -> None:
    assert not [w for w in WORLDS if torn(w)]


def test_a_new_side_opens_only_when_all_are_ready() -> None:
    early = [w for w in WORLDS if any(o.new_open for o in w.members) and not all(o.ready for o in w.members)]
    assert not early


def test_with_all_servers_up_each_has_a_way_on() -> None:
    for world in WORLDS:
        if world.alive or not all(one.old_up and one.new_up for one in world.members):
            continue
        assert {by_decision(one, world.decided) for one in world.members} in (
            {Verdict.BACK},
            {Verdict.FORWARD},
        )


def test_before_the_decision_a_lost_new_server_keeps_nobody_waiting() -> None:
    assert recover_together(Observed(False, None, False), decided=False) is Verdict.BACK
    assert recover_together(Observed(False, None, False), decided=True) is Verdict.WAIT


def test_a_decision_of_a_switch_that_is_over_opens_nothing() -> None:
    assert recover_together(Observed(True, False, False), decided=True) is Verdict.BACK
    assert recover_together(Observed(True, True, False), decided=True) is Verdict.ALARM


def test_the_model_notices_a_recovery_that_takes_each_for_itself() -> None:
    assert any(torn(world) for world in explore(by_flags))


def test_only_those_switched_together_open_a_new_side_in_recovery() -> None:
    assert repairs(Verdict.FORWARD, together=True) == FORWARD_TOGETHER == (Repair.OPEN_NEW, *FORWARD)
    assert Repair.OPEN_NEW not in (*repairs(Verdict.FORWARD), *BACK)
    assert repairs(Verdict.BACK, together=True) == BACK
