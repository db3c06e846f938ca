"""Foreign keys that went across services: whether what they promised still holds.

`check.check_consistency(contract, services, limit=, look_again=, progress=) -> Consistency`: every
reference, in whichever databases its ends are now (`homes`); the check of one is `core.references`'.
`keys.drop_crossing_keys` and `restore_crossing_keys`: before a switch, and for the complete way back.
docs/decisions/0040-consistency.md.
"""
