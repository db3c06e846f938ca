-- Objects that only a superuser can make, for reasons that are not their kind's: (class, OID), why.
SELECT 'pg_cast'::regclass::oid AS classid, c.oid AS objid,
       CASE WHEN c.castmethod = 'b' THEN 'only a superuser can create casts WITHOUT FUNCTION'
            ELSE 'neither of its types is anybody''s own: only a superuser owns those of the server' END AS why
FROM pg_cast c
WHERE c.oid >= 16384 AND (c.castmethod = 'b' OR c.castsource < 16384 AND c.casttarget < 16384)
UNION ALL
SELECT 'pg_proc'::regclass, a.aggfnoid, 'only a superuser can create aggregates whose state is of type internal'
FROM pg_aggregate a
WHERE a.aggfnoid >= 16384 AND 'internal'::regtype IN (a.aggtranstype, a.aggmtranstype)
UNION ALL
SELECT 'pg_proc'::regclass, p.oid, 'only a superuser can give a function a SUPPORT function'
FROM pg_proc p WHERE p.oid >= 16384 AND p.prosupport <> 0
UNION ALL
-- Nobody else may set what no loaded library knows; an extension's, and PL/pgSQL's, are known once it is there.
SELECT 'pg_proc'::regclass, p.oid, 'only a superuser can set ' || own.name || ' for a function'
FROM pg_proc p CROSS JOIN LATERAL (SELECT split_part(line, '=', 1) FROM unnest(p.proconfig) AS line) AS own (name)
LEFT JOIN pg_settings s ON lower(s.name) = lower(own.name)
WHERE p.oid >= 16384
  AND (s.context IN ('superuser', 'superuser-backend') OR lower(own.name) = 'plpgsql.variable_conflict'
       OR s.name IS NULL
          AND NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = lower(split_part(own.name, '.', 1))))
UNION ALL
SELECT 'pg_type'::regclass, t.oid, 'only a superuser can create base types'
FROM pg_type t
WHERE t.oid >= 16384 AND (t.typtype = 'b' OR NOT t.typisdefined) AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
