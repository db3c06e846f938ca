"""What applications' statements touch, as the server and its log saw them.

`read.read_ran`: pg_stat_statements; `logs.read_log`: a server's log.
`queries.Crossings(...).judge(statements)`: those that cross services; `needs.needs(...)`: names that a
service's own database would lack. `watch.watch_transactions(...) -> Watched`: transactions that write to
two services, from the WAL; `transactions`: counted, pure
(docs/decisions/0049-transactions-across-services.md).
"""
