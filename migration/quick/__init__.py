"""The quick way back: a moved service whose own database is lost or wrong is served again.

`losses.losses(contract, service, own) -> [Loss]`: what each way would lose, in rows and seconds.
`verbs.quick_rollback(online, service, plan, choice)`: to the shared database (`fall_back`), or to an
instance that was restored (`recover`: compared row by row, reconciled, sequences raised, the way back
made anew). `kept_rows`: what was only on the side that was given up, as a file.
docs/decisions/0095-quick-rollback.md.
"""
