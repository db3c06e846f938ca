-- Sessions of logins, but for those of the gateway: application, address, how many, since when.
SELECT usename::text, application_name, coalesce(client_addr::text, 'a socket'), count(*), min(backend_start)
FROM pg_catalog.pg_stat_activity
WHERE usename = ANY (%(logins)s) AND pid <> ALL (%(gateway)s)
GROUP BY 1, 2, 3
ORDER BY 5
