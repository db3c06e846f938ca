-- What several services use and nobody owns: types, domains and functions in `public`.

CREATE DOMAIN public.money_amount AS numeric(19,4);
COMMENT ON DOMAIN public.money_amount IS 'An amount in major units; four decimals, as the ledger rounds';
CREATE DOMAIN public.currency_code AS character(3) DEFAULT 'USD' CHECK (VALUE ~ '^[A-Z]{3}$');
CREATE DOMAIN public.email_address AS public.citext CHECK (VALUE ~ '^[^@\s]+@[^@\s]+$');
CREATE DOMAIN public.country_code AS character(2) CHECK (VALUE = upper(VALUE));

CREATE TYPE public.risk_level AS ENUM ('low', 'medium', 'high', 'critical');
CREATE TYPE public.postal_address AS (street text, city text, postcode character varying(12), country public.country_code);
CREATE TYPE public.contact_channel AS ENUM ('email', 'sms', 'push', 'in app');

CREATE FUNCTION public.touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION public.touch_updated_at() IS 'Keeps updated_at; used by triggers of every service';

CREATE FUNCTION public.normalise_phone(phone text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN regexp_replace(phone, '[^0-9+]', '', 'g');

CREATE FUNCTION public.reference_code(prefix text, number bigint) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT prefix || '-' || lpad(upper(to_hex(number)), 10, '0') $$;

CREATE FUNCTION public.minor_units(amount public.money_amount, currency public.currency_code) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    digits integer := CASE currency WHEN 'JPY' THEN 0 WHEN 'KWD' THEN 3 ELSE 2 END;
BEGIN
    RETURN round(amount * power(10::numeric, digits));
END
$$;

CREATE FUNCTION public.mask(secret text, shown integer DEFAULT 4) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT repeat('*', greatest(length(secret) - shown, 0)) || right(secret, shown) $$;

CREATE AGGREGATE public.product(numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = '1');
