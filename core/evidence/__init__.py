"""What was done on a stack, kept as it is done: its certificate, which a promotion asks for.

`chain.Evidence(contract)`: `.add(kind, facts, service=...)`, `.read() -> [Entry]`: a file a stack in the
state folder, a line an entry, each with the digest of the one before it, so that an altered, a missing or an
inserted line shows. `lookup`: what of a kind counts now. docs/decisions/0121-evidence.md.
"""
