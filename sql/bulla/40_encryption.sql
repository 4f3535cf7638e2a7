-- Sealing and opening values. None is leakproof: errors tell whether a value opens. Sealing is PARALLEL UNSAFE:
-- under an AES-256-GCM key it counts its messages in the database.

CREATE FUNCTION bulla.encrypt(value text, key text, context text DEFAULT '') RETURNS text
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'bulla_encrypt_text';
COMMENT ON FUNCTION bulla.encrypt(text, text, text) IS
    'Seals a text under the primary version of a key; the result begins with bulla1:. It opens only with the same context, so name there what the value belongs to, such as table, column and row: with an empty context a sealed value can be moved anywhere and still opens. NULL gives NULL.';

CREATE FUNCTION bulla.encrypt(value bytea, key text, context text DEFAULT '') RETURNS bytea
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'bulla_encrypt_bytea';
COMMENT ON FUNCTION bulla.encrypt(bytea, text, text) IS
    'Seals bytes under the primary version of a key. They open only with the same context, so name there what the value belongs to: with an empty context a sealed value can be moved anywhere and still opens. NULL gives NULL.';

CREATE FUNCTION bulla.decrypt(value text, context text DEFAULT '') RETURNS text
    LANGUAGE C STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_decrypt_text';
COMMENT ON FUNCTION bulla.decrypt(text, text) IS
    'Opens what bulla.encrypt(text) sealed with this context, under any enabled version of its key. What was altered, moved or sealed with another context is an error.';

CREATE FUNCTION bulla.decrypt(value bytea, context text DEFAULT '') RETURNS bytea
    LANGUAGE C STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_decrypt_bytea';
COMMENT ON FUNCTION bulla.decrypt(bytea, text) IS
    'Opens what bulla.encrypt(bytea) sealed with this context, under any enabled version of its key. What was altered, moved or sealed with another context is an error.';

CREATE FUNCTION bulla.is_encrypted(value text) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'bulla_is_encrypted_text';
COMMENT ON FUNCTION bulla.is_encrypted(text) IS
    'Whether a text is a well-formed sealed value. Says nothing about its key or whether it opens.';

CREATE FUNCTION bulla.is_encrypted(value bytea) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'bulla_is_encrypted_bytea';
COMMENT ON FUNCTION bulla.is_encrypted(bytea) IS
    'Whether bytes are a well-formed sealed value. Says nothing about its key or whether it opens.';

CREATE FUNCTION bulla.decrypt_if_encrypted(value text, context text DEFAULT '') RETURNS text
    LANGUAGE C STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_decrypt_if_encrypted';
COMMENT ON FUNCTION bulla.decrypt_if_encrypted(text, text) IS
    'Opens a sealed text and passes any other on unchanged, so that old rows stay readable until they are next written; what begins with bulla1: and does not open is an error. Gives no authenticity: who can write the column can put a plain text there.';
