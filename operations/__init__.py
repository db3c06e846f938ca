"""What keeps the services' databases once they are there: backups, restores, proofs, previews.

`python -m operations`; the verbs are listed in `commands.offered`. It reads the stack's `contract`, as
`migration` does; the two never import each other, and both stand on `core`.
"""
