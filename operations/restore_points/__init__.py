"""Restore points checked: against the servers they were made on, and against what was restored to them.

`live.check_live(contract, point) -> LiveVerdict`: do the servers still have it in their history?
`restored.check_restored(contract, point, databases) -> RestoreVerdict`: digests compared, references
between services looked through. `where`: restored databases as named on the command line.
docs/runbooks/restore-points.md.
"""
