"""`audit`: who changed what in a service's database, from its instance's log.

`read.entries(folder, since) -> Iterator[Entry]`: what the log says of statements, pgaudit's lines and
log_statement's; `command.audit`: as text or JSON.
"""
