-- Tables that inherit, whose columns stand in another order than CREATE TABLE ... INHERITS gives them: a parent got a
-- column after its child was made. OID, their order, the order that they would get; descendants of one are among them.
WITH RECURSIVE orders (oid, here, made) AS (
    SELECT c.oid, array_agg(a.attname::text ORDER BY a.attnum),
           array_agg(a.attname::text ORDER BY above.inhseqno NULLS LAST, above.attnum, a.attnum)
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN LATERAL (
        SELECT h.inhseqno, p.attnum
        FROM pg_inherits h JOIN pg_attribute p ON p.attrelid = h.inhparent AND p.attname = a.attname AND NOT p.attisdropped
        WHERE h.inhrelid = c.oid
        ORDER BY h.inhseqno LIMIT 1
    ) above ON true
    WHERE c.relkind IN ('r', 'f') AND NOT c.relispartition AND EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid)
    GROUP BY c.oid
), apart (oid) AS (
    SELECT oid FROM orders WHERE here <> made
    UNION
    SELECT h.inhrelid FROM apart JOIN pg_inherits h ON h.inhparent = apart.oid
)
SELECT o.oid, o.here, o.made FROM orders o JOIN apart USING (oid) ORDER BY o.oid
