"""What gates forbid, and what a person may go on in spite of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import GateClosed, SchemaChanged
from migration.gates.model import Gate, GateReport, judged

pytestmark = pytest.mark.unit

GATES = st.lists(
    st.builds(
        Gate,
        name=st.sampled_from(["plan", "lag", "schema", "guards"]),
        verdict=st.sampled_from(["go", "warn", "no-go", "unknown"]),
        figure=st.text(max_size=5),
        overridable=st.booleans(),
    ),
    max_size=6,
)


def report(*gates: Gate) -> GateReport:
    return GateReport("user", "cutover", gates)


@given(GATES, st.lists(st.sampled_from(["plan", "lag", "schema", "guards"])))
def test_required_gates_pass_only_if_every_no_go_is_skippable_and_named(
    gates: list[Gate], names: list[str]
) -> None:
    left = [g for g in gates if g.verdict == "no-go" and not (g.overridable and g.name in names)]
    found = report(*gates)
    if left:
        with pytest.raises(GateClosed):
            found.require(names)
    else:
        found.require(names)


@given(GATES)
def test_the_verdict_is_the_worst_of_all(gates: list[Gate]) -> None:
    verdicts = {gate.verdict for gate in gates}
    expected = "no-go" if "no-go" in verdicts else "warn" if "warn" in verdicts else "go"
    assert report(*gates).verdict == expected


def test_a_closed_gate_says_its_name_its_figure_and_what_to_do_on_one_line() -> None:
    gate = judged("lag", True, "20 MB behind", "wait", overridable=True)
    with pytest.raises(GateClosed) as raised:
        report(gate).require()
    assert str(raised.value) == "user: the gate lag is closed: 20 MB behind; wait; or --skip-gate lag"


def test_a_gate_raises_the_error_of_its_own_kind() -> None:
    with pytest.raises(SchemaChanged):
        report(judged("schema", True, "ALTER TABLE", "start again", error=SchemaChanged)).require()


def test_advice_is_kept_only_where_it_is_needed() -> None:
    assert judged("lag", False, "0 B", "wait").advice == ""
