-- Protected columns: what is written is stored sealed, bound to its row. docs/encryption.md, docs/spec/cell.md.

CREATE FUNCTION bulla.seal_cell() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'bulla_seal_cell';
COMMENT ON FUNCTION bulla.seal_cell() IS
    'Trigger of a table with a protected column, BEFORE INSERT OR UPDATE FOR EACH ROW: seals what is not sealed, and refuses what is sealed and does not open in its row.';

CREATE FUNCTION bulla.name_cell_columns() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'bulla_name_cell_columns';
COMMENT ON FUNCTION bulla.name_cell_columns() IS
    'Trigger of a table with a protected column that is never called: its column list names the column and what its values are bound to, through renames and dumps.';

CREATE FUNCTION bulla.protect_column(
    "table" regclass,
    "column" name,
    key text,
    bind_to name[] DEFAULT '{}'
) RETURNS uuid
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_protect_column';
COMMENT ON FUNCTION bulla.protect_column(regclass, name, text, name[]) IS
    'From now on whatever is written to a column of type text, varchar or bytea is stored sealed under a key, for its row: it opens only with the values that the bind_to columns have there, which are NOT NULL and cannot change any more. Values that are there already stay as they are: bulla.encrypt_column seals them. Needs ownership of the table, whose owner needs the right to encrypt with the key. Returns the id of the protection.';

CREATE FUNCTION bulla.unprotect_column(
    "table" regclass,
    "column" name,
    forget boolean DEFAULT false
) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_unprotect_column';
COMMENT ON FUNCTION bulla.unprotect_column(regclass, name, boolean) IS
    'From now on what is written to the column is stored as it is. What is sealed stays sealed, and bulla.open and bulla.context go on working for it, unless forget also drops what they know: then nothing sealed can be opened but by who wrote down the id of the protection. Needs ownership of the table.';

CREATE FUNCTION bulla.context("table" regclass, "column" name) RETURNS bytea
    LANGUAGE C STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_context';
COMMENT ON FUNCTION bulla.context(regclass, name) IS
    'The context that values of a protected column are sealed with, of a column that is bound to no other.';

CREATE FUNCTION bulla.context("table" regclass, "column" name, VARIADIC "values" "any") RETURNS bytea
    LANGUAGE C STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_context';
COMMENT ON FUNCTION bulla.context(regclass, name, "any") IS
    'The context that the value of a protected column is sealed with in the row that has these values in the columns that it is bound to, in the order of bind_to: for bulla.decrypt, bulla.encrypt and bulla.reencrypt.';

CREATE FUNCTION bulla.open("row" anyelement, "column" name) RETURNS text
    LANGUAGE C STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_open_text';
COMMENT ON FUNCTION bulla.open(anyelement, name) IS
    'Opens the value of a protected text column of a row: SELECT bulla.open(t, ''c'') FROM t. A value that is not sealed, or not for this row, is an error. Needs the right to decrypt with its key.';

CREATE FUNCTION bulla.open_bytea("row" anyelement, "column" name) RETURNS bytea
    LANGUAGE C STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_open_bytea';
COMMENT ON FUNCTION bulla.open_bytea(anyelement, name) IS
    'Opens the value of a protected bytea column of a row, as bulla.open does that of a text.';

CREATE FUNCTION bulla.opens("row" anyelement, "column" name) RETURNS boolean
    LANGUAGE C STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_opens';
COMMENT ON FUNCTION bulla.opens(anyelement, name) IS
    'Whether the value of a protected column is sealed for its row, so that bulla.open opens it: SELECT * FROM t WHERE NOT bulla.opens(t, ''c''). Null for a null, and where that cannot be told as the key version is disabled or destroyed. Needs ownership of the table, and no right to use the key.';

-- The same functions as in 40_encryption.sql, with a context of any bytes.

CREATE FUNCTION bulla.encrypt(value text, key text, context bytea) RETURNS text
    LANGUAGE C VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_encrypt_text';
COMMENT ON FUNCTION bulla.encrypt(text, text, bytea) IS
    'Seals a text with the context that bulla.context gives; a context of type text is its bytes in UTF-8.';

CREATE FUNCTION bulla.encrypt(value bytea, key text, context bytea) RETURNS bytea
    LANGUAGE C VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_encrypt_bytea';
COMMENT ON FUNCTION bulla.encrypt(bytea, text, bytea) IS
    'Seals bytes with the context that bulla.context gives; a context of type text is its bytes in UTF-8.';

CREATE FUNCTION bulla.decrypt(value text, context bytea) RETURNS text
    LANGUAGE C STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_decrypt_text';
COMMENT ON FUNCTION bulla.decrypt(text, bytea) IS
    'Opens a text that was sealed with the context that bulla.context gives.';

CREATE FUNCTION bulla.decrypt(value bytea, context bytea) RETURNS bytea
    LANGUAGE C STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_decrypt_bytea';
COMMENT ON FUNCTION bulla.decrypt(bytea, bytea) IS
    'Opens bytes that were sealed with the context that bulla.context gives.';

CREATE FUNCTION bulla.decrypt_if_encrypted(value text, context bytea) RETURNS text
    LANGUAGE C STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_decrypt_if_encrypted';
COMMENT ON FUNCTION bulla.decrypt_if_encrypted(text, bytea) IS
    'Opens a sealed text and passes any other on unchanged: for readers of a protected column while bulla.encrypt_column has not sealed all of it.';

-- Moving sealed values to the primary version of their key.

CREATE FUNCTION bulla.reencrypt(value text, context text DEFAULT '') RETURNS text
    LANGUAGE C VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_reencrypt_text';
COMMENT ON FUNCTION bulla.reencrypt(text, text) IS
    'Opens a sealed text under whichever enabled version of its key sealed it, and seals it under the primary version; a value that is under the primary version is returned as it is. The context stays the same. Needs the rights to decrypt and to encrypt.';

CREATE FUNCTION bulla.reencrypt(value bytea, context text DEFAULT '') RETURNS bytea
    LANGUAGE C VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_reencrypt_bytea';
COMMENT ON FUNCTION bulla.reencrypt(bytea, text) IS
    'Opens sealed bytes under whichever enabled version of their key sealed them, and seals them under the primary version; a value that is under the primary version is returned as it is. Needs the rights to decrypt and to encrypt.';

CREATE FUNCTION bulla.reencrypt(value text, context bytea) RETURNS text
    LANGUAGE C VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_reencrypt_text';
COMMENT ON FUNCTION bulla.reencrypt(text, bytea) IS
    'Moves a sealed text to the primary version of its key, with the context that bulla.context gives.';

CREATE FUNCTION bulla.reencrypt(value bytea, context bytea) RETURNS bytea
    LANGUAGE C VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_reencrypt_bytea';
COMMENT ON FUNCTION bulla.reencrypt(bytea, bytea) IS
    'Moves sealed bytes to the primary version of their key, with the context that bulla.context gives.';

CREATE FUNCTION bulla.sealed_version(value text) RETURNS bytea
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'bulla_sealed_version_text';
COMMENT ON FUNCTION bulla.sealed_version(text) IS
    'The version_id, as in bulla.keys, of the key version that a text says it was sealed under; null where it is not a well-formed sealed value. Opens nothing.';

CREATE FUNCTION bulla.sealed_version(value bytea) RETURNS bytea
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'bulla_sealed_version_bytea';
COMMENT ON FUNCTION bulla.sealed_version(bytea) IS
    'The version_id, as in bulla.keys, of the key version that bytes say they were sealed under; null where they are not a well-formed sealed value. Opens nothing.';

-- What is protected.

CREATE FUNCTION bulla.column_protection(
    "table" oid,
    "column" smallint,
    OUT protection uuid,
    OUT key text,
    OUT key_id uuid,
    OUT bind_to name[],
    OUT enabled boolean
)
    LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_column_protection';
COMMENT ON FUNCTION bulla.column_protection(oid, smallint) IS
    'What bulla.protect_column was told about a column, in the names of now; null where it was told nothing.';

CREATE VIEW bulla.protected_columns AS
SELECT t.tgrelid::pg_catalog.regclass AS "table",
       a.attname AS "column",
       p.key,
       p.key_id,
       p.bind_to,
       p.protection,
       p.enabled
FROM pg_catalog.pg_trigger AS t
JOIN pg_catalog.pg_attribute AS a
    ON a.attrelid OPERATOR(pg_catalog.=) t.tgrelid AND a.attnum OPERATOR(pg_catalog.=) t.tgattr[0]
CROSS JOIN LATERAL bulla.column_protection(t.tgrelid, a.attnum) AS p
WHERE t.tgfoid OPERATOR(pg_catalog.=) 'bulla.name_cell_columns'::pg_catalog.regproc
  AND t.tgparentid OPERATOR(pg_catalog.=) 0::pg_catalog.oid
  AND p.protection IS NOT NULL;
COMMENT ON VIEW bulla.protected_columns IS
    'The columns whose values are sealed as they are written, their keys, and what the values are bound to. enabled is false where a trigger, of a partition too, is missing or does not fire always, and after bulla.unprotect_column. key is null where the key is not in this database.';
