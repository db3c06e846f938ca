"""A backup brought back: into an instance beside the service's own, compared, then exchanged or given up.

`restore.restore(...) -> Restored`: the backup and the WAL that `target` needs (the end, a time, an LSN,
a point) are looked through first (`segments`, `unpack`), then recovered by `instance`, which listens to
nobody but us. `exchange.exchange(...) -> Exchanged`: it takes the place of the service's own;
`beside.give_up(service)` removes it. docs/runbooks/restore.md.
"""
