-- What of each table decides whether its file may lie under another one's name, and where the files are.
WITH RECURSIVE wanted AS (
    SELECT c.oid, n.nspname, c.relname
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      JOIN unnest(%(schemas)s::text[], %(names)s::text[]) AS w (schema, name)
        ON w.schema = n.nspname AND w.name = c.relname
     WHERE c.relkind = 'r'
),
roots AS (
    SELECT t.oid, t.oid AS root FROM pg_catalog.pg_type t WHERE t.typtype <> 'd'
    UNION ALL
    SELECT d.oid, r.root FROM pg_catalog.pg_type d JOIN roots r ON d.typbasetype = r.oid WHERE d.typtype = 'd'
),
-- Values of these hold no number that another server gives otherwise.
types AS (
    SELECT r.oid,
           tn.nspname || '.' || t.typname || coalesce((
               SELECT ' of ' || e.extname || ' ' || e.extversion
                 FROM pg_catalog.pg_depend d
                 JOIN pg_catalog.pg_extension e ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                                               AND e.oid = d.refobjid
                WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
                  AND d.objid = t.oid AND d.deptype = 'e'), '') AS name,
           CASE WHEN t.oid < 16384
                THEN t.typtype IN ('b', 'r', 'm') AND t.typname !~ '^_?reg'
                ELSE t.typtype = 'b' AND t.typcategory <> 'A'
                     AND EXISTS (SELECT FROM pg_catalog.pg_depend d
                                  WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
                                    AND d.objid = t.oid AND d.deptype = 'e')
           END AS plain
      FROM roots r
      JOIN pg_catalog.pg_type t ON t.oid = r.root
      JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
)
SELECT w.nspname::text AS schema,
       w.relname::text AS name,
       c.oid::bigint AS oid,
       CASE WHEN c.relpersistence <> 'p' THEN 'not in the WAL'
            WHEN am.amname <> 'heap' THEN 'of the table access method ' || am.amname
            WHEN c.reltablespace <> 0 THEN 'in a tablespace of its own'
            WHEN l.dropped THEN 'columns of it were dropped'
            WHEN l.missing THEN 'a column was added with a default that older rows do not hold'
            WHEN NOT l.plain THEN 'of types of one''s own'
            WHEN EXISTS (SELECT FROM pg_catalog.pg_index i
                           JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
                           JOIN pg_catalog.pg_am a ON a.oid = ic.relam
                          WHERE i.indrelid = c.oid
                            AND (NOT (i.indisvalid AND i.indisready AND i.indislive) OR ic.reltablespace <> 0
                                 OR a.amname NOT IN ('btree', 'hash', 'gist', 'gin', 'spgist', 'brin')))
            THEN 'an index of it is invalid, of an extension or in a tablespace' END AS why_not,
       l.columns,
       pg_catalog.pg_relation_filepath(c.oid) AS file,
       c.relfrozenxid::text AS frozen, c.relminmxid::text AS multi,
       c.relpages AS pages, c.reltuples AS tuples, c.relallvisible AS visible,
       t.oid::bigint AS toast, pg_catalog.pg_relation_filepath(t.oid) AS toast_file,
       t.relfrozenxid::text AS toast_frozen, t.relminmxid::text AS toast_multi,
       t.relpages AS toast_pages, t.reltuples AS toast_tuples, t.relallvisible AS toast_visible,
       pg_catalog.pg_relation_filepath(ti.indexrelid) AS toast_index_file,
       (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                   ic.relname, pg_catalog.pg_get_indexdef(i.indexrelid) || coalesce((
                       SELECT pg_catalog.string_agg(DISTINCT ' by ' || e.extname || ' ' || e.extversion, '')
                         FROM pg_catalog.pg_depend d
                         JOIN pg_catalog.pg_extension e
                           ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                          AND e.oid = d.refobjid
                        WHERE d.classid = 'pg_catalog.pg_opclass'::pg_catalog.regclass
                          AND d.objid = ANY (i.indclass) AND d.deptype = 'e'), ''),
                   pg_catalog.pg_relation_filepath(i.indexrelid), ic.relpages, ic.reltuples) ORDER BY ic.relname),
               '[]')
          FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
         WHERE i.indrelid = c.oid) AS indexes
  FROM wanted w
  JOIN pg_catalog.pg_class c ON c.oid = w.oid
  LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
  LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid
  LEFT JOIN pg_catalog.pg_index ti ON ti.indrelid = t.oid
 CROSS JOIN LATERAL (
    SELECT bool_or(a.attisdropped) AS dropped,
           bool_or(a.atthasmissing) AS missing,
           bool_and(a.attisdropped OR coalesce(ty.plain, false)) AS plain,
           array_agg(concat_ws(' ', a.attnum, a.attname, ty.name, a.attlen, a.attbyval, a.attalign,
                               a.attgenerated, co.collname, co.collprovider) ORDER BY a.attnum) AS columns
      FROM pg_catalog.pg_attribute a
      LEFT JOIN types ty ON ty.oid = a.atttypid
      LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
     WHERE a.attrelid = c.oid AND a.attnum > 0) AS l
 ORDER BY 1, 2
