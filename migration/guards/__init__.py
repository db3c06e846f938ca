"""Which side takes writes, and what becomes of DDL meanwhile: triggers in both databases.

`ownership.Ownership(database, service, schema)`, one session held open: `install(open=)`, `remove()`,
`close(seconds)` (proven, or open again and StepTimeout), `open()`, `is_open()`, `status()`, `restore()`,
`update()`, `writers()`. `flag.is_open`: the same question from outside. `ddl`: DDL that would get round the
guards of a closed side is refused. `changes`: DDL noticed while a service moves. `event_triggers`: made
where the role may. docs/decisions/0031-write-guards.md, 0050-ways-round-the-guards.md.
"""
