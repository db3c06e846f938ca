"""Schema changes while a service moves: what is carried over to the side that follows.

`capture.carry_changes(move)` makes both sides ready, `carry_no_changes` ends it: event triggers write what is
carried into a direction's log (`migration.replicate.changes`), which apply workers carry out, and refuse the
rest. `take_over.take_over(make, flow, read) -> (Plan, TakenOver)`: rows of new tables, guards, rights,
keys, the way back. `require_no_more`: inside the pause. docs/decisions/0081-carried-schema-changes.md.
"""
