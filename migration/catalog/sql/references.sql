-- Foreign keys that a person declared (not the parts that a partitioned table's key has by itself).
SELECT k.oid, k.conname, k.conrelid, k.confrelid, pg_get_constraintdef(k.oid), k.convalidated
FROM pg_constraint k
WHERE k.contype = 'f' AND k.conparentid = 0
ORDER BY k.oid
