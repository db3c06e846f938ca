-- Roles, other than the services' common one, owners and superusers, that were granted something, by schema:
-- on relations, columns, routines and types, or on the schema itself.
SELECT g.nspname, r.rolname, count(DISTINCT (g.classid, g.objid)),
       count(DISTINCT (g.classid, g.objid)) FILTER (WHERE g.is_grantable)
FROM ({granted}) AS g
JOIN pg_roles r ON r.oid = g.grantee
WHERE NOT r.rolsuper AND r.rolname <> %(application)s AND g.grantee <> g.owner AND r.rolname !~ '^pg_'
GROUP BY 1, 2
ORDER BY 1, 2
