-- Keys. A key has versions; what stands here of a version's key bytes is wrapped under the KEK.

CREATE TABLE bulla.key_names (
    key_id uuid PRIMARY KEY,
    -- In collation "C", as the extension's own look-ups by the index are.
    name text COLLATE pg_catalog."C" NOT NULL UNIQUE CHECK (name <> ''),
    purpose text NOT NULL,
    algorithm text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    created_by name NOT NULL
);
COMMENT ON TABLE bulla.key_names IS 'One row per key: what it is called and what it is for.';

CREATE TABLE bulla.key_versions (
    -- The first 16 bytes of the commitment: how envelopes name the version.
    version_id bytea PRIMARY KEY CHECK (version_id = pg_catalog.substr(commitment, 1, 16)),
    -- Of bulla.key_names. No foreign key: a parallel restore loads the tables of an extension in any order.
    key_id uuid NOT NULL,
    -- Counts from 1; the highest enabled one is the primary, which encrypts.
    version integer NOT NULL CHECK (version >= 1),
    state text NOT NULL CHECK (state IN ('enabled', 'disabled', 'destroyed')),
    -- Binds the key bytes to algorithm and purpose, without telling anything about them.
    commitment bytea NOT NULL CHECK (pg_catalog.octet_length(commitment) = 32),
    -- The KEK that the key bytes are wrapped under.
    kek_id text,
    wrapped bytea,
    created_at timestamp with time zone NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    state_since timestamp with time zone NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    -- Every KEK that the key bytes were ever wrapped under: copies under them may be in backups.
    keks text[] NOT NULL DEFAULT '{}',
    UNIQUE (key_id, version),
    CHECK ((state = 'destroyed') = (wrapped IS NULL))
);
COMMENT ON TABLE bulla.key_versions IS
    'One row per version of a key, its key bytes wrapped under the KEK. Nobody but the owner of the extension reads it.';

CREATE TABLE bulla.keks (
    -- PROVIDER:ID, as in bulla.key_versions.
    kek_id text COLLATE pg_catalog."C" PRIMARY KEY,
    first_used_at timestamp with time zone NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    -- When and by whom it was said to be destroyed, wherever it was kept.
    retired_at timestamp with time zone,
    retired_by text,
    CHECK ((retired_at IS NULL) = (retired_by IS NULL))
);
COMMENT ON TABLE bulla.keks IS
    'One row per key-encryption key that ever wrapped a key of this database.';

SELECT pg_catalog.pg_extension_config_dump('bulla.key_names', '');
SELECT pg_catalog.pg_extension_config_dump('bulla.key_versions', '');
SELECT pg_catalog.pg_extension_config_dump('bulla.keks', '');

-- Without policies: whoever is granted SELECT by mistake sees nothing. The extension reads them itself.
ALTER TABLE bulla.key_names ENABLE ROW LEVEL SECURITY;
ALTER TABLE bulla.key_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE bulla.keks ENABLE ROW LEVEL SECURITY;

CREATE FUNCTION bulla.keys_changed() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'bulla_keys_changed';
COMMENT ON FUNCTION bulla.keys_changed() IS
    'Trigger of the key tables: makes every backend forget the keys it has unwrapped.';

CREATE TRIGGER keys_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bulla.key_names
    FOR EACH STATEMENT EXECUTE FUNCTION bulla.keys_changed();
ALTER TABLE bulla.key_names ENABLE ALWAYS TRIGGER keys_changed;
CREATE TRIGGER keys_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bulla.key_versions
    FOR EACH STATEMENT EXECUTE FUNCTION bulla.keys_changed();
ALTER TABLE bulla.key_versions ENABLE ALWAYS TRIGGER keys_changed;
CREATE TRIGGER keys_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bulla.keks
    FOR EACH STATEMENT EXECUTE FUNCTION bulla.keys_changed();
ALTER TABLE bulla.keks ENABLE ALWAYS TRIGGER keys_changed;

CREATE VIEW bulla.keys AS
SELECT k.key_id AS id,
       k.name,
       k.purpose,
       k.algorithm,
       v.version,
       v.state,
       v.version_id,
       v.kek_id,
       v.created_at,
       k.created_by
FROM bulla.key_names AS k
JOIN bulla.key_versions AS v USING (key_id);
COMMENT ON VIEW bulla.keys IS 'The keys of this database and their versions, without their key bytes.';

CREATE FUNCTION bulla.create_key(
    name text,
    purpose text DEFAULT 'encrypt',
    algorithm text DEFAULT 'XAES-256-GCM'
) RETURNS uuid
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_create_key';
COMMENT ON FUNCTION bulla.create_key(text, text, text) IS
    'Makes a key with one random version, wrapped under the KEK that bulla.kek names, and records that in bulla.events. Purpose encrypt and algorithm XAES-256-GCM are what there is. Returns the key''s id.';
