-- Where sessions of a role begin with session_replication_role = replica, the most specific first: in words, and the
-- statement that ends it. What is above a setting of another value there counts for nothing. Parameter: application.
WITH here AS (
    SELECT oid, datname FROM pg_database WHERE datname = current_database()
), said AS (
    SELECT lower(split_part(line, '=', 2)) AS value, s.setrole, s.setdatabase,
           row_number() OVER (ORDER BY s.setrole = 0, s.setdatabase = 0) AS rank
    FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS line CROSS JOIN here
    WHERE lower(split_part(line, '=', 1)) = 'session_replication_role'
      AND s.setdatabase IN (0, here.oid)
      AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = %(application)s))
)
SELECT CASE WHEN setrole <> 0 THEN format('role %%I', pg_get_userbyid(setrole))
            WHEN setdatabase <> 0 THEN 'its database' ELSE 'all roles' END,
       format('ALTER %%s%%s RESET session_replication_role',
              CASE WHEN setrole <> 0 THEN format('ROLE %%I', pg_get_userbyid(setrole))
                   WHEN setdatabase <> 0 THEN format('DATABASE %%I', here.datname) ELSE 'ROLE ALL' END,
              CASE WHEN setrole <> 0 AND setdatabase <> 0 THEN format(' IN DATABASE %%I', here.datname) END)
FROM said CROSS JOIN here
WHERE NOT EXISTS (SELECT FROM said above WHERE above.rank <= said.rank AND above.value <> 'replica')
UNION ALL
SELECT 'the server', 'ALTER SYSTEM RESET session_replication_role; SELECT pg_reload_conf()'
FROM pg_settings
WHERE name = 'session_replication_role' AND reset_val = 'replica' AND NOT EXISTS (SELECT FROM said)
  AND NOT EXISTS (
      SELECT FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS line
      WHERE lower(line) LIKE 'session_replication_role=%%' AND s.setdatabase IN (0, (SELECT oid FROM here))
        AND s.setrole = (SELECT oid FROM pg_roles WHERE rolname = session_user))
