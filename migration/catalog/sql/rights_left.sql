-- What the services' common role has of rights that do not come along: kind, schema (NULL: the server), what it is.
-- Parameters: application (the services' common role).
WITH me AS (
    SELECT oid, rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls
    FROM pg_roles WHERE rolname = %(application)s
), granted AS (
    -- What was granted to it, or to a role whose rights it has; what owning gives is told of as such.
    SELECT g.nspname, g.classid, g.objid, g.owner, g.grantor, g.privilege_type, me.oid AS me
    FROM me CROSS JOIN ({granted}) AS g
    WHERE NOT pg_has_role(me.oid, g.owner, 'USAGE')
      AND g.grantee <> 0 AND pg_has_role(me.oid, g.grantee, 'USAGE')
)
SELECT 'right', nspname::text,
       format('%%s of role %%I on %%s relations', string_agg(DISTINCT privilege_type, ', '), %(application)s,
              count(DISTINCT objid))
FROM granted
WHERE classid = 'pg_class'::regclass AND privilege_type IN ('REFERENCES', 'TRIGGER')
GROUP BY nspname
UNION ALL
SELECT DISTINCT 'creation', nspname::text, format('CREATE of role %%I', %(application)s)
FROM granted WHERE classid = 'pg_namespace'::regclass AND privilege_type = 'CREATE'
UNION ALL
SELECT 'grantor', nspname::text,
       format('the grantor %%I, not the owner, of rights of role %%I on %%s objects', pg_get_userbyid(grantor),
              %(application)s, count(DISTINCT (classid, objid)))
FROM granted WHERE grantor <> owner
GROUP BY nspname, grantor
UNION ALL
SELECT 'membership', NULL,
       format('the membership of role %%I in %%I%%s%%s', me.rolname, r.rolname,
              CASE WHEN bool_or(m.admin_option) THEN ' with ADMIN OPTION' END,
              CASE WHEN NOT pg_has_role(me.oid, r.oid, 'USAGE')
                   THEN ', whose rights it has by SET ROLE only and which therefore do not come along' END)
FROM me JOIN pg_auth_members m ON m.member = me.oid JOIN pg_roles r ON r.oid = m.roleid
GROUP BY me.rolname, me.oid, r.rolname, r.oid
UNION ALL
-- CONNECT and TEMPORARY are the stack's to grant, whatever is so here.
SELECT 'database', NULL, format('CREATE of role %%I on the database', me.rolname)
FROM me
WHERE NOT me.rolsuper AND has_database_privilege(me.oid, current_database(), 'CREATE')
UNION ALL
SELECT 'parameter', NULL,
       format('%%s of role %%I on parameter %%s', string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type), me.rolname,
              p.parname)
FROM me CROSS JOIN pg_parameter_acl p CROSS JOIN LATERAL aclexplode(p.paracl) a
WHERE NOT me.rolsuper AND (a.grantee = 0 OR pg_has_role(me.oid, a.grantee, 'USAGE'))
GROUP BY me.rolname, p.parname
UNION ALL
SELECT 'attribute', NULL, format('%%s of role %%I', array_to_string(array_remove(ARRAY[
           CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
           CASE WHEN rolreplication THEN 'REPLICATION' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END,
           CASE WHEN rolsuper THEN 'SUPERUSER' END], NULL), ', '), rolname)
FROM me WHERE rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
ORDER BY 1, 2, 3
