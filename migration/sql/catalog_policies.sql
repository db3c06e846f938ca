-- The roles of each policy; none for PUBLIC.
SELECT p.oid, ARRAY(SELECT r.rolname::text FROM pg_roles r WHERE r.oid = ANY (p.polroles) ORDER BY 1)
FROM pg_policy p
