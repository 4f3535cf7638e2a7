-- Keys. A key has versions; what stands here of a version's key bytes is wrapped under the KEK.

CREATE TABLE bulla.key_names (
    key_id uuid PRIMARY KEY,
    -- In collation "C", as the extension's own look-ups by the index are.
    name text COLLATE pg_catalog."C" NOT NULL UNIQUE CHECK (name <> ''),
    purpose text NOT NULL,
    algorithm text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    created_by name NOT NULL,
    -- Under bulla.audit_decrypts = key: whether every use that opens a value is recorded.
    audited boolean NOT NULL DEFAULT false
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
    -- A restore was recorded since, so how many messages it has sealed is not known: it seals no more.
    must_rotate boolean NOT NULL DEFAULT false,
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

-- What a destroyed version leaves behind is a dead row: autovacuum removes it at its next round.
ALTER TABLE bulla.key_versions SET (
    autovacuum_enabled = true,
    autovacuum_vacuum_threshold = 0,
    autovacuum_vacuum_scale_factor = 0,
    toast.autovacuum_enabled = true,
    toast.autovacuum_vacuum_threshold = 0,
    toast.autovacuum_vacuum_scale_factor = 0
);

-- ANALYZE would keep samples of them, which outlive what is destroyed.
ALTER TABLE bulla.key_versions ALTER COLUMN wrapped SET STATISTICS 0;

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

CREATE FUNCTION bulla.messages_sealed(version_id bytea) RETURNS bigint
    LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_messages_sealed';
COMMENT ON FUNCTION bulla.messages_sealed(bytea) IS
    'How many messages a version of an AES-256-GCM key has sealed, or holds ready to seal, over all sessions. Never too few; at 2^32 it seals no more, and bulla.rotate_key gives the key a new version. NULL for other algorithms, whose messages need no count.';

CREATE VIEW bulla.keys AS
SELECT k.key_id AS id,
       k.name,
       k.purpose,
       k.algorithm,
       v.version,
       v.state,
       v.state_since,
       v.version_id,
       v.kek_id,
       CASE WHEN v.state OPERATOR(pg_catalog.<>) 'destroyed' THEN NULL
            WHEN pg_catalog.cardinality(v.keks) OPERATOR(pg_catalog.=) 0
                THEN 'recoverable from backups, under a KEK that is not known'
            WHEN w.unretired IS NULL
                THEN pg_catalog.concat('final since ', GREATEST(v.state_since, w.last_retired_at))
            ELSE pg_catalog.concat('recoverable from backups until KEK ', w.unretired,
                                   CASE WHEN w.unretired_count OPERATOR(pg_catalog.=) 1
                                        THEN ' is destroyed' ELSE ' are destroyed' END)
       END AS finality,
       v.created_at,
       k.created_by,
       bulla.messages_sealed(v.version_id) AS messages,
       k.audited,
       v.must_rotate
FROM bulla.key_names AS k
JOIN bulla.key_versions AS v ON v.key_id OPERATOR(pg_catalog.=) k.key_id
CROSS JOIN LATERAL (
    -- Of every KEK that ever wrapped the version: bulla.retire_kek says which were destroyed.
    SELECT pg_catalog.string_agg(i.kek_id, ' and KEK ') FILTER (WHERE r.retired_at IS NULL) AS unretired,
           pg_catalog.count(*) FILTER (WHERE r.retired_at IS NULL) AS unretired_count,
           pg_catalog.max(r.retired_at) AS last_retired_at
    FROM pg_catalog.unnest(v.keks) AS i (kek_id)
    LEFT JOIN bulla.keks AS r ON r.kek_id OPERATOR(pg_catalog.=) i.kek_id
) AS w;
COMMENT ON VIEW bulla.keys IS
    'The keys of this database and their versions, without their key bytes. finality says of a destroyed version whether copies of its key bytes in backups could still be opened: until every KEK that ever wrapped them is destroyed too, which bulla.retire_kek notes. audited says whether bulla.audit_decrypts = key records every use that opens a value. must_rotate says that the version seals no more since a restore was recorded (bulla.record_restore): how many messages of AES-256-GCM it has sealed is not known any more. It opens what it sealed.';

-- For monitoring, which reads neither keys nor bulla.keys.
CREATE FUNCTION bulla.key_messages() RETURNS TABLE (
    key text,
    version integer,
    is_primary boolean,
    messages_sealed bigint,
    messages_budget bigint
)
    LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT k.name, k.version,
           k.version IS NOT DISTINCT FROM
               max(k.version) FILTER (WHERE k.state = 'enabled') OVER (PARTITION BY k.name),
           CASE WHEN k.must_rotate THEN 4294967296 ELSE k.messages END, 4294967296::bigint
    FROM bulla.keys AS k
    WHERE k.algorithm = 'AES-256-GCM' AND k.state <> 'destroyed'
    ORDER BY k.name, k.version
$$;
COMMENT ON FUNCTION bulla.key_messages() IS
    'How many messages each version of the AES-256-GCM keys has sealed or holds ready to seal, and how many it may: bulla.rotate_key gives a key a new version before that. is_primary marks the version that seals. messages_sealed is null where the count is missing, and the whole budget where a restore was recorded since. For members of pg_monitor: the names of keys are all it tells of them.';

CREATE FUNCTION bulla.create_key(
    name text,
    purpose text DEFAULT 'encrypt',
    algorithm text DEFAULT NULL
) RETURNS uuid
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_create_key';
COMMENT ON FUNCTION bulla.create_key(text, text, text) IS
    'Makes a key with one random version, wrapped under the KEK that bulla.kek names, and records that in bulla.events. Purpose encrypt seals, with XAES-256-GCM, which needs no care, unless an algorithm is named: AES-256-GCM, for 2^32 messages under each version, or AES-256-CBC-HMAC-SHA-512, purpose index makes blind indexes (HMAC-SHA-256). Returns the key''s id.';

-- Each of the following locks its key, and counts at the next call of every session once it commits.

CREATE FUNCTION bulla.rotate_key(name text) RETURNS integer
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_rotate_key';
COMMENT ON FUNCTION bulla.rotate_key(text) IS
    'Gives a key one more version, which seals from now on, and returns its number. The versions before it stay enabled and open what they sealed. A key of purpose index has one version, and a destroyed key gets no more. Recorded as key.rotated.';

CREATE FUNCTION bulla.disable_key_version(name text, version integer) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_disable_key_version';
COMMENT ON FUNCTION bulla.disable_key_version(text, integer) IS
    'Stops an enabled version of a key from sealing and opening, until bulla.enable_key_version. Recorded as key.version_disabled.';

CREATE FUNCTION bulla.enable_key_version(name text, version integer) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_enable_key_version';
COMMENT ON FUNCTION bulla.enable_key_version(text, integer) IS
    'Lets a disabled version of a key open again, and seal where it is the highest enabled one. Recorded as key.version_enabled.';

CREATE FUNCTION bulla.destroy_key_version(
    name text,
    version integer,
    reason text,
    shred boolean DEFAULT false
) RETURNS bigint
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_destroy_key_version';
COMMENT ON FUNCTION bulla.destroy_key_version(text, integer, text, boolean) IS
    'Removes the key bytes of a version for ever: what it sealed does not open again. Reads every ledger of the database first and refuses where a row holds what it sealed, unless shred is true. Returns the seq of the event key.version_destroyed in bulla.events, whose chain it holds until the end of the transaction. bulla.keys says whether copies in backups could still be opened.';

CREATE FUNCTION bulla.destroy_key(
    name text,
    reason text,
    shred boolean DEFAULT false
) RETURNS bigint
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_destroy_key';
COMMENT ON FUNCTION bulla.destroy_key(text, text, boolean) IS
    'Removes the key bytes of all versions of a key for ever (crypto-shredding), as bulla.destroy_key_version does with one. Returns the seq of the event key.destroyed in bulla.events, which proves that it was ordered. bulla.keys says whether copies in backups could still be opened.';

CREATE FUNCTION bulla.set_key_audit(name text, audited boolean) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_set_key_audit';
COMMENT ON FUNCTION bulla.set_key_audit(text, boolean) IS
    'Says whether every use of a key that opens a value is recorded, as key.used in bulla.events, where bulla.audit_decrypts is key. Recorded as key.audit_changed.';
