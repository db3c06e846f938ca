-- Comments. The columns are those of relations.sql.
SELECT d.classoid::oid, d.objoid, 'comment', i.type || ' ' || i.identity, NULL::text,
       jsonb_build_object('text', d.description),
       format('COMMENT ON %s IS NULL', named.it), format('COMMENT ON %s IS %L', named.it, d.description)
FROM pg_description d
CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i
LEFT JOIN pg_constraint k ON d.classoid = 'pg_constraint'::regclass AND k.oid = d.objoid
CROSS JOIN LATERAL (SELECT CASE
    WHEN d.objsubid <> 0 THEN 'COLUMN ' || i.identity
    WHEN i.type = 'domain constraint'
        THEN format('CONSTRAINT %I ON DOMAIN %s', k.conname, k.contypid::regtype)
    WHEN i.type = 'table constraint' THEN 'CONSTRAINT ' || i.identity
    WHEN i.type = 'composite type' THEN 'TYPE ' || i.identity
    WHEN i.type = 'statistics object' THEN 'STATISTICS ' || i.identity
    ELSE upper(i.type) || ' ' || i.identity END AS it) named
-- A schema that once was `public` keeps that one's OID, and its comment.
LEFT JOIN pg_namespace n ON d.classoid = 'pg_namespace'::regclass AND n.oid = d.objoid
WHERE (d.objoid >= 16384 OR n.oid = 2200 AND (n.nspname <> 'public' OR d.description <> 'standard public schema'))
  AND d.classoid NOT IN ('pg_extension'::regclass, 'pg_database'::regclass)
  AND i.identity !~ '\mwaqiti_migration\M'
  -- A note of ours (migration.replicate.settings).
  AND NOT (d.classoid IN ('pg_subscription'::regclass, 'pg_publication'::regclass)
           AND starts_with(d.description, 'waqiti-migration, '))
