"""Rows as text and as digests, the same on every server.

`digest.choose(source, target) -> Digest`: SQL that gives a row as text, and that text as two 64-bit numbers
which add up over a table. `digest.prepare(connection)` settles the session for it.
docs/decisions/0030-verification-digest.md.
"""
