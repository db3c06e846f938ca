"""Sessions of servers: opened, cut when they give no sign of life, ended when their owner died; queries.

`stack.read_contract(stack, file) -> Contract`; `source_database`, `target_database`, `endpoint_database`:
`Database`s. `connections.Database.connect()` opens a session whose errors are `core.errors`' inside
`translated(doing)`; it gives client programs an environment without a password in argv. `settings`: what
every session sets, by purpose: add there, not where it is missed
(docs/decisions/0067-settings-of-sessions.md). `queries.queries(__package__)`: the SQL files.
`liveness.at_most(seconds)` cuts what is silent; `orphans.end_orphans`: sessions of a dead run;
`locks.patiently`: short waits for locks; `at_once`: one statement in many sessions; `scrubbing`: passwords
blotted out of others' texts; `placeholders`: names with `%`; `left_files`: what a killed process left is
removed by the next.
"""
