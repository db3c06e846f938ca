-- What a dump of one schema does not carry, one row each: kind, schema (NULL: the database), what it is.
-- Parameters: application (the services' common role), logins (of schema migrations, made by the stack).
SELECT 'default privileges', n.nspname::text,
       format('default privileges for %%s made by %%I', CASE d.defaclobjtype WHEN 'r' THEN 'tables'
           WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types'
           WHEN 'n' THEN 'schemas' ELSE 'objects' END, pg_get_userbyid(d.defaclrole))
       || coalesce((SELECT format(' (%%s)', string_agg(one.given, '; ' ORDER BY one.given))
                    FROM (SELECT format('%%s to %%s%%s', string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type),
                                        CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END,
                                        CASE WHEN a.is_grantable THEN ' with grant option' END)
                          FROM aclexplode(d.defaclacl) a WHERE a.grantee <> d.defaclrole
                          GROUP BY a.grantee, a.is_grantable) one (given)), '')
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
UNION ALL
SELECT 'security label', n.nspname::text,
       format('security label of %%s on %%s %%s', l.provider, l.objtype, l.objname)
FROM pg_seclabels l JOIN pg_namespace n ON n.oid = l.objnamespace
UNION ALL
SELECT 'setting', NULL,
       format('%%s set for %%s', split_part(setting, '=', 1),
              CASE WHEN s.setrole = 0 THEN 'the whole database'
                   ELSE format('role %%I', pg_get_userbyid(s.setrole)) END)
FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) setting
WHERE split_part(setting, '=', 1) <> 'session_replication_role'
  AND (s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND coalesce((SELECT r.rolname <> ALL (%(logins)s::text[]) FROM pg_roles r WHERE r.oid = s.setrole), true)
   -- What a move has set for the roles of its own replication goes with it.
   AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = s.setrole AND r.rolname ~ '^waqiti_(.*_(forward|back)(_.*)?|reads_.*)$')
   AND NOT EXISTS (SELECT FROM pg_subscription o
                   WHERE o.subowner = s.setrole AND o.subdbid = s.setdatabase AND s.setrole <> 0
                     AND obj_description(o.oid, 'pg_subscription') LIKE 'waqiti-migration, settings before it: %%'
                     AND obj_description(o.oid, 'pg_subscription')::text
                         LIKE '%%"' || split_part(setting, '=', 1) || '": null%%')
   OR s.setdatabase = 0 AND s.setrole = (SELECT oid FROM pg_roles WHERE rolname = %(application)s))
UNION ALL
SELECT 'tablespace', n.nspname::text, format('tablespace %%I of %%s relations', t.spcname, count(*))
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_tablespace t ON t.oid = c.reltablespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
GROUP BY n.nspname, t.spcname
UNION ALL
SELECT 'subscription', NULL, format('subscription %%I', s.subname)
FROM pg_subscription s
WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND s.subname !~ '^waqiti_[a-z0-9_]+_(forward|back)$'
  AND NOT EXISTS (SELECT FROM pg_subscription_rel r WHERE r.srsubid = s.oid)
UNION ALL
-- What a CREATE INDEX CONCURRENTLY left that failed, or is not done yet.
SELECT 'index', n.nspname::text, format('index %%I.%%I, which is invalid,', n.nspname, c.relname)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i' JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND n.nspname !~ '^pg_'
UNION ALL
SELECT 'key', n.nspname::text,
       format('the disabling of foreign key %%s of %%I.%%I (DISABLE TRIGGER ALL)', quote_ident(k.conname), n.nspname,
              c.relname)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f'
  AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = k.oid AND t.tgisinternal AND t.tgenabled = 'D')
UNION ALL
-- DETACH PARTITION ... CONCURRENTLY that was cut off: a dump attaches it as if nothing had been.
SELECT 'detaching', n.nspname::text,
       format('the pending detachment of partition %%I.%%I (`ALTER TABLE %%I.%%I DETACH PARTITION %%I.%%I FINALIZE`)',
              n.nspname, c.relname, o.nspname, p.relname, n.nspname, c.relname)
FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class p ON p.oid = h.inhparent JOIN pg_namespace o ON o.oid = p.relnamespace
WHERE h.inhdetachpending
UNION ALL
SELECT 'comment', NULL, format('%%s (%%s)', what, count(*))
FROM (SELECT 'comments of large objects' AS what FROM pg_description WHERE classoid = 'pg_largeobject'::regclass
      UNION ALL
      SELECT 'the comment of the database' FROM pg_shdescription
      WHERE classoid = 'pg_database'::regclass
        AND objoid = (SELECT oid FROM pg_database WHERE datname = current_database())) found
GROUP BY what
UNION ALL
SELECT 'extension rows', NULL,
       format('what was added to table %%I.%%I of extension %%I', n.nspname, c.relname, e.extname)
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
JOIN pg_class c ON c.oid = d.objid AND c.relkind IN ('r', 'p') JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
  AND pg_relation_size(c.oid) > 0
ORDER BY 1, 2, 3
