-- What a closing would not close, in words: tables of the schema, or inheriting from one of it, without both
-- guards enabled always; and those that a subscription feeds which is not ours, because replicated rows pass.
-- Parameters: schema, function.
WITH tables AS (
    SELECT c.oid, pg_catalog.format('%%I.%%I', n.nspname, c.relname) AS called
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
      AND (n.nspname = %(schema)s
           OR c.oid IN (
               SELECT i.inhrelid
               FROM pg_catalog.pg_inherits i
               JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
               JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
               WHERE pn.nspname = %(schema)s))
)
SELECT pg_catalog.format('%%s has no guards, or disabled ones', called)
FROM tables
WHERE (SELECT count(*)
       FROM pg_catalog.pg_trigger t
       WHERE t.tgrelid = tables.oid AND t.tgenabled = 'A'
         AND t.tgfoid = pg_catalog.to_regprocedure(%(function)s)) < 2
UNION ALL
SELECT pg_catalog.format('%%s is fed by the subscription %%I', called, s.subname)
FROM tables
JOIN pg_catalog.pg_subscription_rel r ON r.srrelid = tables.oid
JOIN pg_catalog.pg_subscription s ON s.oid = r.srsubid
WHERE s.subenabled AND s.subname NOT LIKE 'waqiti\_%%'
ORDER BY 1
