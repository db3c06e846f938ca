"""From one side to the other, and back: the steps of a switch and the recovery from any of them.

`protocol`, pure: `SWITCH`, and `recover(Observed) -> Verdict` after a crash between any two steps.
`carry_out.carry_out(actions, record, limits)` runs them, `settle` ends one that was cut off.
`actions.SwitchActions`: what each step does to servers and gateway; `record`: its journal.
`recheck.Recheck`: verified while live, then what changes up to the last write inside the pause. `live`,
`repair_rows`: rows compared and mended whichever way replication runs. `large_objects`: carried over.
`expected`: what a dry run expects. docs/cutover-through-the-code.md.
"""
