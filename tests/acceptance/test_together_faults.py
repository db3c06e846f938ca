"""Services that are switched together, cut off at every step: after `resume` all are there, or all are back.

The points come from the protocol's steps, and the decision that stands between them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from migration.switch.protocol import SWITCH
from tests.support.clusters import Clusters
from tests.support.crossing import SWITCH_SECONDS, Pair, pair
from tests.support.fault_matrix import by_turns, names
from tests.support.moves import SERVICES

pytestmark = pytest.mark.acceptance

LONG = ("--yes", "--switch-timeout", str(SWITCH_SECONDS))
VERBS = {
    "cutover": ("cutover", *SERVICES, "--together", *LONG),
    "rollback": ("rollback", *SERVICES, "--immediate", "--together", *LONG),
}
STEPS = (*(step.value for step in SWITCH), "decide")
CASES = by_turns(STEPS, ("begun", "acted"), ("cutover", "rollback"))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("together"), clusters) as made:
        made.start()
        yield made


@pytest.mark.parametrize(("step", "point", "verb"), CASES, ids=names(CASES))
def test_after_the_operators_process_is_killed_all_are_there_or_all_back(
    both: Pair, step: str, point: str, verb: str
) -> None:
    both.stand_before(verb)
    both.writer.wait_for_more()
    old = both.sides()
    both.killed(f"{verb}: {step}", point, *VERBS[verb])
    for name in SERVICES:
        assert len(both.world.open_sides(name)) <= 1, "never two writers, not even before `resume`"
    both.run("resume", "payment")
    decided = (step, point) == ("decide", "acted") or step in STEPS[STEPS.index("open the new side") : -1]
    assert (both.sides() != old) == decided
    both.assert_sound()
