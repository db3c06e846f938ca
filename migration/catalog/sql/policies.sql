-- Every policy: OID, table, permissive, whether it is for PUBLIC, its roles' names, whether it is for the services'
-- common role and for the table's owner (by whatever membership), its two expressions.
-- Parameters: application (the services' common role).
WITH RECURSIVE me AS (
    SELECT oid, rolsuper FROM pg_roles WHERE rolname = %(application)s
), mine (role) AS (
    -- A superuser has the rights of every role, and policies do not bind it: what counts is what it was put in.
    SELECT oid FROM me WHERE rolsuper
    UNION
    SELECT m.roleid FROM pg_auth_members m JOIN mine ON m.member = mine.role
)
SELECT p.oid, p.polrelid, p.polpermissive, 0 = ANY (p.polroles),
       ARRAY(SELECT r.rolname::text FROM pg_roles r WHERE r.oid = ANY (p.polroles) ORDER BY 1),
       EXISTS (SELECT FROM me CROSS JOIN unnest(p.polroles) r
               WHERE r <> 0 AND CASE WHEN me.rolsuper THEN r IN (SELECT role FROM mine)
                                ELSE pg_has_role(me.oid, r, 'USAGE') END),
       EXISTS (SELECT FROM unnest(p.polroles) r
               WHERE r <> 0 AND CASE WHEN o.rolsuper THEN r = o.oid ELSE pg_has_role(o.oid, r, 'USAGE') END),
       coalesce(pg_get_expr(p.polqual, p.polrelid), ''), coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_roles o ON o.oid = c.relowner
