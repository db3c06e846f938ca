-- Publications and subscriptions of this database, and the tables they have: one row each.
SELECT 'publication', 'pg_publication'::regclass::oid, p.oid, p.pubname::text, p.puballtables,
       ARRAY(SELECT n.nspname::text FROM pg_publication_namespace pn JOIN pg_namespace n ON n.oid = pn.pnnspid
             WHERE pn.pnpubid = p.oid ORDER BY 1),
       ARRAY(SELECT r.prrelid FROM pg_publication_rel r WHERE r.prpubid = p.oid ORDER BY 1)
FROM pg_publication p
UNION ALL
SELECT 'subscription', 'pg_subscription'::regclass::oid, s.oid, s.subname::text, false, '{}',
       ARRAY(SELECT r.srrelid FROM pg_subscription_rel r WHERE r.srsubid = s.oid ORDER BY 1)
FROM pg_subscription s
WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY 1, 4
