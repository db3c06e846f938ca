-- Open (1) or close (2) a side. Seen by every session at once; with `on_disk`, on disk when it returns.
WITH mode AS MATERIALIZED (
    SELECT pg_catalog.set_config(
        'synchronous_commit', CASE WHEN %(on_disk)s THEN 'on' ELSE 'off' END, true) AS setting
)
SELECT pg_catalog.setval(%(flag)s::pg_catalog.regclass, %(value)s) FROM mode
