-- Rights. Everybody may make a ledger of a table they own and verify what they may read. Keys are for
-- whom the owner of the extension grants them to: GRANT EXECUTE ON FUNCTION bulla.encrypt(…) TO …

REVOKE ALL ON ALL TABLES IN SCHEMA bulla FROM PUBLIC;
GRANT USAGE ON SCHEMA bulla TO PUBLIC;
GRANT SELECT ON bulla.ledgers, bulla.chain_locks, bulla.verify_progress TO PUBLIC;

REVOKE EXECUTE ON FUNCTION
    bulla.record_erasure(regclass, text, bigint, name[], text),
    bulla.create_key(text, text, text),
    bulla.rotate_key(text),
    bulla.disable_key_version(text, integer),
    bulla.enable_key_version(text, integer),
    bulla.destroy_key_version(text, integer, text, boolean),
    bulla.destroy_key(text, text, boolean),
    bulla.retire_kek(text),
    bulla.rewrap_key_batch(integer),
    bulla.encrypt(text, text, text),
    bulla.encrypt(bytea, text, text),
    bulla.decrypt(text, text),
    bulla.decrypt(bytea, text),
    bulla.decrypt_if_encrypted(text, text)
FROM PUBLIC;
REVOKE EXECUTE ON PROCEDURE bulla.rewrap_keys(integer, bigint) FROM PUBLIC;

GRANT SELECT ON bulla.audited_tables TO PUBLIC;
