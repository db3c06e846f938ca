-- The flag of a service: 1 is open, 2 is closed, and never called is closed, too.
CREATE SEQUENCE IF NOT EXISTS {flag} MINVALUE 1 MAXVALUE 2 NO CYCLE
