-- Notes every object that the current transaction has created: its catalogue row's xmin is the transaction's.
-- (Rows that it merely changed have that xmin too; callers create only, in transactions of their own.)
WITH current AS (SELECT (txid_current() & 4294967295)::text AS xid)
INSERT INTO waqiti_migration.schema_objects (service, classid, objid)
SELECT %(service)s, made.classid, made.objid
FROM current, LATERAL (
    SELECT 'pg_namespace'::regclass::oid AS classid, oid AS objid FROM pg_namespace WHERE xmin::text = xid
    UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class
        WHERE xmin::text = xid AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL SELECT 'pg_type'::regclass, t.oid FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
        WHERE t.xmin::text = xid AND (t.typrelid = 0 OR c.relkind = 'c')
          AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
    UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE xmin::text = xid
    UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator WHERE xmin::text = xid
    UNION ALL SELECT 'pg_opclass'::regclass, oid FROM pg_opclass WHERE xmin::text = xid
    UNION ALL SELECT 'pg_opfamily'::regclass, oid FROM pg_opfamily WHERE xmin::text = xid
    UNION ALL SELECT 'pg_collation'::regclass, oid FROM pg_collation WHERE xmin::text = xid
    UNION ALL SELECT 'pg_conversion'::regclass, oid FROM pg_conversion WHERE xmin::text = xid
    UNION ALL SELECT 'pg_ts_config'::regclass, oid FROM pg_ts_config WHERE xmin::text = xid
    UNION ALL SELECT 'pg_ts_dict'::regclass, oid FROM pg_ts_dict WHERE xmin::text = xid
    UNION ALL SELECT 'pg_ts_parser'::regclass, oid FROM pg_ts_parser WHERE xmin::text = xid
    UNION ALL SELECT 'pg_ts_template'::regclass, oid FROM pg_ts_template WHERE xmin::text = xid
    UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast WHERE xmin::text = xid
    UNION ALL SELECT 'pg_transform'::regclass, oid FROM pg_transform WHERE xmin::text = xid
    UNION ALL SELECT 'pg_statistic_ext'::regclass, oid FROM pg_statistic_ext WHERE xmin::text = xid
    UNION ALL SELECT 'pg_extension'::regclass, oid FROM pg_extension WHERE xmin::text = xid
) made
WHERE NOT EXISTS (
    SELECT FROM pg_depend d
    WHERE d.classid = made.classid AND d.objid = made.objid AND d.objsubid = 0 AND d.deptype IN ('i', 'e')
)
ON CONFLICT DO NOTHING
