-- Whether the role %(role)s may log in, and its comment.
SELECT r.rolcanlogin, pg_catalog.shobj_description(r.oid, 'pg_authid')
  FROM pg_catalog.pg_roles r
 WHERE r.rolname = %(role)s
