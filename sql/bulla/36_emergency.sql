-- Emergency mode: what may not be done, by nobody, until a code ends it. docs/emergency.md.

CREATE TABLE bulla.emergency (
    -- One row at most: there while emergency mode is on.
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    reason text NOT NULL,
    restrictions text[] NOT NULL CHECK (
        pg_catalog.cardinality(restrictions) OPERATOR(pg_catalog.>) 0
        AND restrictions OPERATOR(pg_catalog.<@) ARRAY['no_new_keys', 'no_exports', 'no_decrypt', 'no_encrypt', 'read_only']
    ),
    -- SHA-256 of 'bulla.emergency.v1', a zero byte and the 16 bytes of the code, which is stored nowhere.
    code_digest bytea NOT NULL CHECK (pg_catalog.octet_length(code_digest) = 32),
    since timestamp with time zone NOT NULL,
    by name NOT NULL
);
COMMENT ON TABLE bulla.emergency IS
    'One row while emergency mode is on. bulla.emergency_mode shows it without the digest of the code that ends it.';

-- Counts attempts to end it: no rollback takes back what a sequence gave.
CREATE SEQUENCE bulla.emergency_attempts MINVALUE 0 START WITH 0;
COMMENT ON SEQUENCE bulla.emergency_attempts IS
    'How often bulla.disable_emergency_mode was called since emergency mode began or was last ended: what slows the next call.';
SELECT pg_catalog.setval('bulla.emergency_attempts', 0);

SELECT pg_catalog.pg_extension_config_dump('bulla.emergency', '');
SELECT pg_catalog.pg_extension_config_dump('bulla.emergency_attempts', '');

-- Without policies, as the tables of keys.
ALTER TABLE bulla.emergency ENABLE ROW LEVEL SECURITY;

CREATE FUNCTION bulla.emergency_changed() RETURNS trigger
    LANGUAGE C SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_emergency_changed';
COMMENT ON FUNCTION bulla.emergency_changed() IS
    'Trigger of bulla.emergency: makes every backend read it again, and records as emergency.changed what was changed or deleted there by hand.';

CREATE TRIGGER emergency_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bulla.emergency
    FOR EACH STATEMENT EXECUTE FUNCTION bulla.emergency_changed();
ALTER TABLE bulla.emergency ENABLE ALWAYS TRIGGER emergency_changed;

CREATE VIEW bulla.emergency_mode AS
SELECT e.reason, e.restrictions, e.since, e.by
FROM bulla.emergency AS e;
COMMENT ON VIEW bulla.emergency_mode IS
    'A row while emergency mode is on: why, what is forbidden, since when, and who began it.';

CREATE FUNCTION bulla.enable_emergency_mode(reason text, restrictions text[]) RETURNS text
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_enable_emergency_mode';
COMMENT ON FUNCTION bulla.enable_emergency_mode(text, text[]) IS
    'Forbids things to everybody, superusers too, from the next call in every session on: no_new_keys, no_exports, no_decrypt, no_encrypt, read_only. Returns the code that ends it, which is stored nowhere: write it down. Where emergency mode is on already the restrictions are added to it, its code stays and null is returned. Recorded as emergency.enabled.';

CREATE FUNCTION bulla.disable_emergency_mode(verification_code text) RETURNS boolean
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_disable_emergency_mode';
COMMENT ON FUNCTION bulla.disable_emergency_mode(text) IS
    'Ends emergency mode, which uses the code up, and returns true; with a wrong code false. Attempts are counted, whatever becomes of the transaction, and from the fourth on each waits longer, up to 30 seconds. Recorded as emergency.disabled or emergency.wrong_code. The code may stand in the server''s log, as any argument.';

CREATE FUNCTION bulla.emergency_rotate(
    key text,
    reason text,
    OUT key_name text,
    OUT version integer,
    OUT "table" regclass,
    OUT "column" name,
    OUT todo text
) RETURNS SETOF record
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_emergency_rotate_key';
COMMENT ON FUNCTION bulla.emergency_rotate(text, text) IS
    'Rotates a key as bulla.rotate_key does, also where emergency mode forbids that, and returns what is to be re-encrypted under the new version: a row for each column that is protected under the key. The versions before it stay as they are. Recorded as key.rotated, with the reason.';

CREATE FUNCTION bulla.emergency_rotate(
    owner name,
    reason text,
    OUT key_name text,
    OUT version integer,
    OUT "table" regclass,
    OUT "column" name,
    OUT todo text
) RETURNS SETOF record
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_emergency_rotate_owned';
COMMENT ON FUNCTION bulla.emergency_rotate(name, text) IS
    'The same for every key that a role created and that is not destroyed: owner => ''role''. Keys of purpose index have one version: they are named and not rotated.';
