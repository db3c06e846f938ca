-- Whether a table has a constraint, and whether it is partitioned.
SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.conname = %(constraint)s),
       c.relkind = 'p'
FROM pg_catalog.pg_class c
WHERE c.oid = pg_catalog.to_regclass(%(table)s)
