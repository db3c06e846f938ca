"""What fills a service's archive and reads it: Barman, the supervisor, the catalogue of backups.

`supervise.Supervisor`: keeps the WAL receiver alive and runs what is due (`due`, `take`, `dumps`,
`retention`). `catalogue.backups(archive) -> [Backup]`: what is there; `wal`, `sums`: whether it is
whole. `archive.Archive`: the folder. The supervisor runs all the time, once a service, so it and what
it imports are the standard library's. docs/runbooks/backups.md.
"""
