-- What a dump of one schema does not carry, one row each: kind, schema (NULL: the database), what it is.
-- Parameters: application (the services' common role).
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
WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
   OR s.setdatabase = 0 AND s.setrole = (SELECT oid FROM pg_roles WHERE rolname = %(application)s)
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
ORDER BY 1, 2, 3
