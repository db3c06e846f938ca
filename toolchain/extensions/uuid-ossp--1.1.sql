/* The functions of PostgreSQL's contrib/uuid-ossp, in SQL. What differs: the node of uuid_generate_v1 is random
   (as that of v1mc is, and RFC 9562, 6.10, allows), because SQL does not know the machine's address. */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION "uuid-ossp"" to load this file. \quit

CREATE FUNCTION uuid_nil() RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT '00000000-0000-0000-0000-000000000000'::pg_catalog.uuid $$;

CREATE FUNCTION uuid_ns_dns() RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::pg_catalog.uuid $$;

CREATE FUNCTION uuid_ns_url() RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT '6ba7b811-9dad-11d1-80b4-00c04fd430c8'::pg_catalog.uuid $$;

CREATE FUNCTION uuid_ns_oid() RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT '6ba7b812-9dad-11d1-80b4-00c04fd430c8'::pg_catalog.uuid $$;

CREATE FUNCTION uuid_ns_x500() RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT '6ba7b814-9dad-11d1-80b4-00c04fd430c8'::pg_catalog.uuid $$;

CREATE FUNCTION uuid_generate_v4() RETURNS uuid
    LANGUAGE sql VOLATILE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.gen_random_uuid() $$;

/* Version 1: 60 bits of 100 ns since 1582-10-15, 14 of a clock sequence, 48 of a node. PostgreSQL's clock counts
   microseconds; the rest of the time, the sequence and the node are random, the node's multicast bit is set. */
CREATE FUNCTION uuid_generate_v1mc() RETURNS uuid
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    random bytea := uuid_send(gen_random_uuid());
    ticks bigint := 122192928000000000
        + (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 10 + get_byte(random, 0) % 10;
    made bytea := '\x00000000000000000000000000000000';
BEGIN
    FOR i IN 0..3 LOOP
        made := set_byte(made, 3 - i, ((ticks >> (8 * i)) & 255)::int);
    END LOOP;
    made := set_byte(made, 4, ((ticks >> 40) & 255)::int);
    made := set_byte(made, 5, ((ticks >> 32) & 255)::int);
    made := set_byte(made, 6, (((ticks >> 56) & 15) | 16)::int);
    made := set_byte(made, 7, ((ticks >> 48) & 255)::int);
    made := set_byte(made, 8, get_byte(random, 1) & 63 | 128);
    made := set_byte(made, 9, get_byte(random, 2));
    made := set_byte(made, 10, get_byte(random, 3) | 1);
    FOR i IN 11..15 LOOP
        made := set_byte(made, i, get_byte(random, i));
    END LOOP;
    RETURN encode(made, 'hex')::uuid;
END
$$;

CREATE FUNCTION uuid_generate_v1() RETURNS uuid
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    random bytea := uuid_send(gen_random_uuid());
    ticks bigint := 122192928000000000
        + (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 10 + get_byte(random, 0) % 10;
    made bytea := '\x00000000000000000000000000000000';
BEGIN
    FOR i IN 0..3 LOOP
        made := set_byte(made, 3 - i, ((ticks >> (8 * i)) & 255)::int);
    END LOOP;
    made := set_byte(made, 4, ((ticks >> 40) & 255)::int);
    made := set_byte(made, 5, ((ticks >> 32) & 255)::int);
    made := set_byte(made, 6, (((ticks >> 56) & 15) | 16)::int);
    made := set_byte(made, 7, ((ticks >> 48) & 255)::int);
    made := set_byte(made, 8, get_byte(random, 1) & 63 | 128);
    made := set_byte(made, 9, get_byte(random, 2));
    made := set_byte(made, 10, get_byte(random, 3) | 1);
    FOR i IN 11..15 LOOP
        made := set_byte(made, i, get_byte(random, i));
    END LOOP;
    RETURN encode(made, 'hex')::uuid;
END
$$;

/* Version 3: the first 16 bytes of the MD5 of the namespace and the name, as the database has its bytes. */
CREATE FUNCTION uuid_generate_v3(namespace uuid, name text) RETURNS uuid
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made bytea := decode(md5(uuid_send(namespace) || convert_to(name, getdatabaseencoding())), 'hex');
BEGIN
    made := set_byte(made, 6, get_byte(made, 6) & 15 | 48);
    made := set_byte(made, 8, get_byte(made, 8) & 63 | 128);
    RETURN encode(made, 'hex')::uuid;
END
$$;

/* Version 5: the same of the SHA-1, which PostgreSQL itself does not have (FIPS 180-4, 6.1). */
CREATE FUNCTION uuid_generate_v5(namespace uuid, name text) RETURNS uuid
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    message bytea := uuid_send(namespace) || convert_to(name, getdatabaseencoding());
    bits bigint := length(message)::bigint * 8;
    word constant bigint := 4294967295;
    h0 bigint := 1732584193; h1 bigint := 4023233417; h2 bigint := 2562383102; h3 bigint := 271733878;
    h4 bigint := 3285377520;
    a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; k bigint; t bigint;
    w bigint[];
    made bytea;
BEGIN
    message := message || '\x80'::bytea
        || decode(repeat('00', ((119 - length(message) % 64) % 64)), 'hex') || int8send(bits);
    FOR block IN 0 .. length(message) / 64 - 1 LOOP
        w := '{}';
        FOR i IN 0..15 LOOP
            w[i] := (get_byte(message, block * 64 + i * 4)::bigint << 24) | (get_byte(message, block * 64 + i * 4 + 1) << 16)
                | (get_byte(message, block * 64 + i * 4 + 2) << 8) | get_byte(message, block * 64 + i * 4 + 3);
        END LOOP;
        FOR i IN 16..79 LOOP
            t := w[i - 3] # w[i - 8] # w[i - 14] # w[i - 16];
            w[i] := ((t << 1) | (t >> 31)) & word;
        END LOOP;
        a := h0; b := h1; c := h2; d := h3; e := h4;
        FOR i IN 0..79 LOOP
            IF i < 20 THEN
                f := (b & c) | ((b # word) & d); k := 1518500249;
            ELSIF i < 40 THEN
                f := b # c # d; k := 1859775393;
            ELSIF i < 60 THEN
                f := (b & c) | (b & d) | (c & d); k := 2400959708;
            ELSE
                f := b # c # d; k := 3395469782;
            END IF;
            t := ((((a << 5) | (a >> 27)) & word) + f + e + k + w[i]) & word;
            e := d; d := c; c := ((b << 30) | (b >> 2)) & word; b := a; a := t;
        END LOOP;
        h0 := (h0 + a) & word; h1 := (h1 + b) & word; h2 := (h2 + c) & word; h3 := (h3 + d) & word;
        h4 := (h4 + e) & word;
    END LOOP;
    -- Four bytes each of the first four words.
    made := substr(int8send(h0), 5) || substr(int8send(h1), 5) || substr(int8send(h2), 5) || substr(int8send(h3), 5);
    made := set_byte(made, 6, get_byte(made, 6) & 15 | 80);
    made := set_byte(made, 8, get_byte(made, 8) & 63 | 128);
    RETURN encode(made, 'hex')::uuid;
END
$$;
