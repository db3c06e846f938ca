"""Statements and bodies of functions, read by PostgreSQL's own parser. Pure.

`names.names_in`: what a body names; `dynamic`: what it puts together and runs by EXECUTE; `reads`,
`body_reads`: which columns; `body_acts`: what takes more than rights on rows; `mentions`: texts that name a
schema; `statements.named_in`: one statement. `readback`: what PostgreSQL prints and does not read back,
mended; `rewrite`: single statements of a dump.
"""
