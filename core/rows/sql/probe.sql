-- A known answer of the hash function: equal on both servers, or their hashes cannot be compared.
SELECT pg_catalog.current_setting('server_encoding'),
       pg_catalog.array_agg(pg_catalog.hashtextextended(sample COLLATE pg_catalog."C", seed)::pg_catalog.text
                            ORDER BY sample COLLATE pg_catalog."C", seed)
FROM unnest(ARRAY['', 'a', '(1,,"",2001-01-01 00:00:00+00)', U&'\00E9 \0065\0301 \+01F600', repeat('0123456789', 99)])
         AS samples (sample),
     unnest(ARRAY[{seeds}]::pg_catalog.int8[]) AS seeds (seed)
