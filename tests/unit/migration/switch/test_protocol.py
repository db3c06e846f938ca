"""The ownership protocol, explored exhaustively: every order of steps, writes, applies and crashes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from migration.switch.protocol import (
    BACK,
    POINT_OF_NO_RETURN,
    SWITCH,
    Observed,
    Repair,
    Step,
    recover,
    repairs,
)

pytestmark = pytest.mark.unit


GO_ON = (Repair.STOP_BACK, Repair.OPEN_OLD, Repair.ROUTE_OLD, Repair.RESUME)
"""What `SwitchActions.clients_go_on` does, before anything is observed or recorded."""


@dataclass(frozen=True)
class World:
    """All that matters of source, target, gateway and journal, seen as old and new side."""

    old_open: bool = True
    new_open: bool = False
    old_up: bool = True
    new_up: bool = True
    route: str = "old"
    paused: bool = False
    feed_on: bool = True
    feed_slot: bool = True
    back_on: bool = False
    back_slot: bool = False
    old_ahead: bool = False
    """Committed on the old side, not yet on the new."""
    new_ahead: bool = False
    lost: bool = False
    """A committed write that no replication will ever carry over."""
    opening_begun: bool = False
    in_flight: bool = False
    """A dead operator's OPEN_NEW, sent to the new side and still to be carried out there."""
    script: tuple[Step | Repair, ...] = SWITCH
    """What the operator's process still has to do; empty when it is done or dead."""
    alive: bool = True


def step(world: World, action: Step | Repair) -> World | None:  # noqa: PLR0911, PLR0912
    """`world` after the action; None when it cannot be done now (a time-out in the real one)."""
    old, new = world.old_up, world.new_up
    match action:
        case Step.PAUSE:
            return replace(world, paused=True)
        case Step.CLOSE_OLD:
            return replace(world, old_open=False) if old else None
        case Step.CATCH_UP:
            return world if old and new and not world.old_ahead else None
        case Step.COMPARE | Step.SEQUENCES:
            return world if old and new else None
        case Step.STOP_FEED:
            return replace(world, feed_on=False) if new else None
        case Step.MAKE_BACK_SLOT:
            return replace(world, back_slot=True) if new else None
        case Step.START_BACK:
            return replace(world, back_on=True) if old else None
        case Step.PROVE_BACK:
            return world if old and new and world.back_on and world.back_slot else None
        case Step.OPEN_NEW:
            return replace(world, opening_begun=True, new_open=True) if old and new else None
        case Step.ROUTE_NEW | Repair.ROUTE_NEW:
            return replace(world, route="new")
        case Step.RESUME | Repair.RESUME:
            return replace(world, paused=False)
        case Step.DROP_FEED | Repair.DROP_FEED:
            return replace(world, feed_slot=False, feed_on=False) if old and new else None
        case Repair.STOP_BACK:
            return replace(world, back_on=False) if old else None
        case Repair.OPEN_OLD:
            return replace(world, old_open=True) if old else None
        case Repair.ROUTE_OLD:
            return replace(world, route="old")
        case Repair.START_FEED:
            return replace(world, feed_on=True) if new else None
        case Repair.DROP_BACK_SLOT:
            return replace(world, back_slot=False) if new else None
        case Repair.OPEN_NEW:
            return None  # test_protocol_together.py


def operator(world: World) -> Iterator[World]:
    """The operator's process does its next action, fails at it, or is killed."""
    if not world.alive or not world.script:
        return
    yield replace(world, alive=False)
    action = world.script[0]
    if action is Step.OPEN_NEW and world.old_up:
        yield replace(world, opening_begun=True, alive=False)
        yield replace(world, opening_begun=True, alive=False, in_flight=world.new_up)
    done = step(world, action)
    if Step.OPEN_NEW in world.script:
        # The step fails, whether it was done or not, and the process lets clients go on where they were;
        # also when the opening is recorded and was never sent.
        for failed in (world, done):
            if failed is not None and failed.new_open == world.new_open:
                yield replace(failed, script=GO_ON)
        if action is Step.OPEN_NEW:
            yield replace(world, opening_begun=True, script=GO_ON)
    if done is not None:
        yield replace(done, script=world.script[1:])
    else:
        yield replace(world, alive=False)


def resume(world: World) -> Iterator[World]:
    """`resume`: what a new process, or the failing one itself, does with what it can observe.

    It first takes the operator's lock on both sides, so that no statement of a dead process is
    still on its way.
    """
    if (world.alive and world.script) or world.in_flight:
        return
    verdict = recover(
        Observed(
            world.old_open if world.old_up else None,
            world.new_open if world.new_up else None,
            world.opening_begun,
        )
    )
    script = repairs(verdict)
    if script and not settled(world):
        yield replace(world, script=script, alive=True)


def surroundings(world: World) -> Iterator[World]:
    """Clients write wherever a side is open; replication applies; servers die and come back."""
    if world.old_open and world.old_up:
        yield replace(world, old_ahead=True, lost=world.lost or not world.feed_slot)
    if world.new_open and world.new_up:
        yield replace(world, new_ahead=True, lost=world.lost or not world.back_slot)
    if world.old_ahead and world.feed_on and world.feed_slot and world.old_up and world.new_up:
        yield replace(world, old_ahead=False)
    if world.new_ahead and world.back_on and world.back_slot and world.old_up and world.new_up:
        yield replace(world, new_ahead=False)
    if world.in_flight:
        yield replace(world, in_flight=False)
        yield replace(world, in_flight=False, new_open=True)
    yield replace(world, old_up=not world.old_up)
    yield replace(world, new_up=not world.new_up, in_flight=False)
    if world.paused:
        yield replace(world, paused=False)  # the gateway is killed and starts again, not paused


def settled(world: World) -> bool:
    """Is there nothing left to repair?"""
    on_old = world.old_open and not world.new_open and world.route == "old" and not world.back_on
    on_new = world.new_open and not world.old_open and world.route == "new" and not world.feed_on
    tidy = (on_old and world.feed_on and world.feed_slot and not world.back_slot) or (
        on_new and world.back_on and world.back_slot and not world.feed_slot
    )
    return tidy and not world.paused


def explore(order: tuple[Step | Repair, ...] = SWITCH) -> dict[World, list[World]]:
    """Every reachable state with its successors."""
    start = World(script=order)
    graph: dict[World, list[World]] = {}
    queue = deque([start])
    while queue:
        world = queue.popleft()
        if world in graph:
            continue
        following = [*operator(world), *resume(world), *surroundings(world)]
        graph[world] = following
        queue.extend(following)
    return graph


GRAPH = explore()


def test_the_model_reaches_every_step_and_every_repair() -> None:
    waiting = {world.script[0] for world in GRAPH if world.script}
    assert waiting >= set(Step), "a step was never reached"
    alone = set(Repair) - {Repair.OPEN_NEW}  # test_protocol_together.py
    assert waiting >= alone, "a repair was never reached"


def test_there_are_never_two_writers() -> None:
    both = [world for world in GRAPH if world.old_open and world.new_open]
    assert not both, f"two writers in {both[:1]}"


def test_no_committed_write_is_ever_out_of_reach_of_the_replication() -> None:
    lost = [world for world in GRAPH if world.lost]
    assert not lost, f"a write is lost in {lost[:1]}"


def test_the_new_side_opens_only_with_all_writes_of_the_old() -> None:
    early = [w for w in GRAPH if w.new_open and w.old_ahead]
    assert not early, f"the new side opened without a write of the old one: {early[:1]}"


def test_the_two_replications_never_both_carry_client_writes() -> None:
    loops = [w for w in GRAPH if w.feed_on and w.back_on and (w.old_open or w.new_open)]
    assert not loops, f"changes would go round in {loops[:1]}"


def test_from_every_state_there_is_a_way_to_a_settled_one() -> None:
    backwards: dict[World, list[World]] = {}
    for world, following in GRAPH.items():
        for successor in following:
            backwards.setdefault(successor, []).append(world)
    reached = {world for world in GRAPH if settled(world)}
    queue = deque(reached)
    while queue:
        for previous in backwards.get(queue.popleft(), []):
            if previous not in reached:
                reached.add(previous)
                queue.append(previous)
    stuck = set(GRAPH) - reached
    assert not stuck, f"no way on from {next(iter(stuck))}"


def test_with_both_servers_up_resume_alone_settles_every_interrupted_state() -> None:
    for world in GRAPH:
        if not (world.old_up and world.new_up) or (world.alive and world.script):
            continue
        if world.in_flight or settled(world):
            continue
        current = next(resume(world))
        while current.script:
            following = step(current, current.script[0])
            assert following is not None, f"{current.script[0]} cannot be done in {current}"
            current = replace(following, script=current.script[1:])
        assert settled(current), f"resume leaves {current}"


def test_the_way_back_opens_the_old_side_before_it_needs_the_new_one() -> None:
    assert BACK.index(Repair.OPEN_OLD) < BACK.index(Repair.DROP_BACK_SLOT)
    assert SWITCH.index(POINT_OF_NO_RETURN) > SWITCH.index(Step.PROVE_BACK)


def _moved(step_: Step, before: Step) -> tuple[Step, ...]:
    rest = [s for s in SWITCH if s is not step_]
    rest.insert(rest.index(before), step_)
    return tuple(rest)


def test_the_model_notices_a_catch_up_before_the_closing() -> None:
    graph = explore(_moved(Step.CATCH_UP, before=Step.CLOSE_OLD))
    assert any(w.new_open and w.old_ahead for w in graph)


def test_the_model_notices_an_opening_before_the_slot_of_the_way_back() -> None:
    graph = explore(_moved(Step.OPEN_NEW, before=Step.MAKE_BACK_SLOT))
    assert any(w.lost for w in graph)


def test_the_model_notices_an_opening_before_the_closing() -> None:
    graph = explore(_moved(Step.OPEN_NEW, before=Step.CLOSE_OLD))
    assert any(w.old_open and w.new_open for w in graph)
