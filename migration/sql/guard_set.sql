-- Open (1) or close (2) a side. Seen by every session at once; on disk when the statement returns.
SELECT pg_catalog.setval(%(flag)s::pg_catalog.regclass, %(value)s)
