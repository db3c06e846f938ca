"""What was done to which service, in the shared database, so that a killed move goes on or back.

`journal.open_journal(source, contract)` takes the operator's lock (`operator`) and yields a `Journal` whose
session holds it, so that a lost lock shows at the next record; it writes moves, steps, copied tables,
verdicts. `read_moves`, `read_steps`, `read_last_verification` need no lock. `states`: the words of state.
`imprint`: the mark on a target that says from which source its content is. `renamed`: whether services.yaml
still has a schema's new name.
"""
