"""The end of a move: replication ends, the shared copy is put aside, the schema takes its new name.

`finish.finish_service(online, service, skipped)`: steps that only go forward. `leave_shared`: the way to
the shared database goes. `rename.rename_schema`: `ownSchema`, while clients wait for a moment;
`rename_check`: what forbids it (docs/decisions/0043-own-schema.md). The old copy's schema is renamed, never
dropped.
"""
