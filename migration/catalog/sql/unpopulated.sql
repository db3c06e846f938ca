-- Materialized views that were never filled: they are not filled on the other side either.
SELECT oid FROM pg_class WHERE relkind = 'm' AND NOT relispopulated
