-- effective_cache_size in kilobytes: how much memory the server is said to have for caching.
SELECT setting::bigint * 8 FROM pg_catalog.pg_settings WHERE name = 'effective_cache_size'
