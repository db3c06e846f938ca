-- Tables, views, sequences and their columns, in the form of all files of this folder: one row an object, as what it is
-- wherever the same thing exists (no OIDs, no owners, no sizes), with the DDL that makes it and takes it away.
-- Columns: (class, OID) of the object of pg_depend's kind that it belongs to; kind; identity; the relation that it
-- is part of; its properties; DROP; CREATE, NULL where only a dump has it.
WITH ns AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'waqiti_migration', 'waqiti_ddl')
      AND nspname !~ '^pg_(toast_)?temp_'
), rel AS (
    SELECT c.*, format('%I.%I', ns.nspname, c.relname) AS identity,
           CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
               WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'type' ELSE 'table' END AS kind,
           CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS definition,
           'WITH (' || array_to_string(c.reloptions, ', ') || ') ' AS settings
    FROM pg_class c JOIN ns ON ns.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
)
SELECT 'pg_class'::regclass::oid, c.oid, c.kind, c.identity, NULL::text,
       jsonb_strip_nulls(jsonb_build_object(
           -- A partitioned table has no rows that could be logged or not.
           'persistence', CASE WHEN c.relpersistence = 'u' AND c.relkind <> 'p' THEN 'unlogged' END,
           'options', (SELECT array_agg(o ORDER BY o) FROM unnest(c.reloptions) o),
           'toast options', (SELECT array_agg(o ORDER BY o) FROM unnest(toast.reloptions) o),
           'row security', CASE WHEN c.relrowsecurity THEN true END,
           'row security forced', CASE WHEN c.relforcerowsecurity THEN true END,
           'partition key', pg_get_partkeydef(c.oid),
           'partition bound', pg_get_expr(c.relpartbound, c.oid),
           'inherits', (SELECT array_agg(i.inhparent::regclass::text ORDER BY i.inhseqno) FROM pg_inherits i
                        WHERE i.inhrelid = c.oid),
           'of type', NULLIF(c.reloftype, 0)::regtype,
           'access method', CASE WHEN am.amname <> 'heap' THEN am.amname END,
           'replica identity', CASE c.relreplident WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full' END,
           'empty', CASE WHEN c.relkind = 'm' AND NOT c.relispopulated THEN true END,
           'definition', c.definition,
           'type', format_type(s.seqtypid, NULL), 'start', s.seqstart, 'increment', s.seqincrement,
           'minimum', s.seqmin, 'maximum', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle,
           'owned by', own.by, 'identity', CASE own.type WHEN 'i' THEN true END)),
       -- An identity column's sequence goes with the column's identity.
       CASE WHEN own.type IS DISTINCT FROM 'i' THEN format('DROP %s %s', upper(c.kind), c.identity) END,
       CASE c.relkind
           WHEN 'v' THEN concat('CREATE VIEW ', c.identity, ' ', c.settings, 'AS ', c.definition)
           WHEN 'm' THEN concat('CREATE MATERIALIZED VIEW ', c.identity, ' ', c.settings, 'AS ',
                                rtrim(c.definition, ';'), CASE WHEN NOT c.relispopulated THEN ' WITH NO DATA' END)
       END
FROM rel c
LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid
LEFT JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_sequence s ON s.seqrelid = c.oid
LEFT JOIN LATERAL (
    SELECT format('%s.%I', d.refobjid::regclass, a.attname) AS by, d.deptype AS type
    FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.objsubid = 0
      AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
) own ON true
WHERE c.relkind <> 'c'
UNION ALL
SELECT CASE WHEN c.relkind = 'c' THEN 'pg_type'::regclass ELSE 'pg_class'::regclass END,
       CASE WHEN c.relkind = 'c' THEN c.reltype ELSE c.oid END, 'column',
       c.identity || '.' || quote_ident(a.attname), c.identity,
       jsonb_strip_nulls(jsonb_build_object(
           'of', c.kind,
           'name', quote_ident(a.attname),
           'type', format_type(a.atttypid, a.atttypmod),
           -- CREATE TABLE ... INHERITS puts the parents' columns first, wherever ALTER TABLE had put them.
           'position', CASE WHEN c.relispartition OR NOT EXISTS (
               SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid) THEN a.place END,
           'inherited', CASE WHEN NOT a.attislocal THEN true END,
           'not null', CASE WHEN a.attnotnull THEN true END,
           -- Partitions have their parent's identity from PostgreSQL 17 on.
           'identity', CASE WHEN NOT c.relispartition THEN NULLIF(a.attidentity, '') END,
           'generated', NULLIF(a.attgenerated, ''),
           'default', pg_get_expr(d.adbin, d.adrelid),
           'collation', CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation END,
           'storage', CASE WHEN c.relkind IN ('r', 'p', 'm', 'f') AND a.attstorage <> t.typstorage
                      THEN CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'
                               WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END,
           'compression', CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
           'statistics', NULLIF(a.attstattarget, -1),
           -- pg_attver is a patched server's own (15.20); see migration/parsing/rewrite.py.
           'options', (SELECT array_agg(o ORDER BY o) FROM unnest(a.attoptions) o
                       WHERE o NOT LIKE 'pg\_attver=%'))),
       CASE c.relkind WHEN 'c' THEN format('ALTER TYPE %s DROP ATTRIBUTE %I', c.identity, a.attname)
           WHEN 'v' THEN NULL WHEN 'm' THEN NULL
           ELSE format('ALTER TABLE %s DROP COLUMN %I', c.identity, a.attname) END,
       CASE c.relkind WHEN 'c' THEN format('ALTER TYPE %s ADD ATTRIBUTE %I %s', c.identity, a.attname,
                                           format_type(a.atttypid, a.atttypmod))
           WHEN 'v' THEN NULL WHEN 'm' THEN NULL
           ELSE concat('ALTER TABLE ', c.identity, ' ADD COLUMN ', quote_ident(a.attname), ' ',
                       format_type(a.atttypid, a.atttypmod),
                       CASE WHEN a.attcollation <> t.typcollation
                           THEN ' COLLATE ' || a.attcollation::regcollation END,
                       CASE a.attgenerated
                           WHEN '' THEN ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)
                           ELSE ' GENERATED ALWAYS AS (' || pg_get_expr(d.adbin, d.adrelid)
                               || CASE a.attgenerated WHEN 's' THEN ') STORED' ELSE ') VIRTUAL' END END,
                       CASE WHEN a.attnotnull THEN ' NOT NULL' END) END
FROM rel c
JOIN (
    SELECT *, row_number() OVER (PARTITION BY attrelid ORDER BY attnum) AS place
    FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped AND attrelid >= 16384
) a ON a.attrelid = c.oid
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind <> 'S'
