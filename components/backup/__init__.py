"""A service's backups, declared: what services.yaml says, the archive, the supervisor that fills it.

`entry.BackupEntry`: a service's `backup:` of services.yaml, with its defaults. `rights`, `grants`:
exactly what the backup role may. `files.write(control, endpoint, role, password)` makes the archive's
folder and Barman's configuration; `files.start_supervisor(folder) -> pid` starts who fills it
(`operations.backup.supervise`). docs/decisions/0089-backups.md.
"""
