-- Rights. Everybody may make a ledger of a table they own and verify what they may read. Everybody may call
-- bulla.encrypt and the like: the key says no, unless bulla.grant_key said otherwise. Who administers keys is
-- granted EXECUTE on the functions that do it.

REVOKE ALL ON ALL TABLES IN SCHEMA bulla FROM PUBLIC;
GRANT USAGE ON SCHEMA bulla TO PUBLIC;
GRANT SELECT ON bulla.ledgers, bulla.chain_locks, bulla.verify_progress, bulla.emergency_mode TO PUBLIC;

REVOKE EXECUTE ON FUNCTION
    bulla.record_erasure(regclass, text, bigint, name[], text),
    bulla.create_key(text, text, text),
    bulla.rotate_key(text),
    bulla.disable_key_version(text, integer),
    bulla.enable_key_version(text, integer),
    bulla.destroy_key_version(text, integer, text, boolean),
    bulla.destroy_key(text, text, boolean),
    bulla.retire_kek(text),
    bulla.set_key_audit(text, boolean),
    bulla.rewrap_key_batch(integer, text),
    bulla.grant_key(text, name, text),
    bulla.revoke_key(text, name, text),
    bulla.enable_emergency_mode(text, text[]),
    bulla.disable_emergency_mode(text),
    bulla.emergency_rotate(text, text),
    bulla.emergency_rotate(name, text)
FROM PUBLIC;
REVOKE EXECUTE ON PROCEDURE bulla.rewrap_keys(integer, bigint) FROM PUBLIC;

GRANT SELECT ON bulla.audited_tables TO PUBLIC;

-- Monitoring may see how many failures there were, of whom and of what is for who reads bulla.events.
REVOKE EXECUTE ON FUNCTION bulla.open_failures() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bulla.open_failures() TO pg_monitor;
REVOKE EXECUTE ON FUNCTION bulla.key_messages() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bulla.key_messages() TO pg_monitor;

GRANT SELECT ON bulla.protected_columns, bulla.column_progress TO PUBLIC;

-- Who names the log and says which server signs it. The owner of a ledger seals it.
REVOKE EXECUTE ON FUNCTION
    bulla.set_log_name(text), bulla.rotate_signing_key(text), bulla.take_over_log(text),
    bulla.record_restore(regclass, text, text[])
FROM PUBLIC;

-- Who seals all ledgers regularly, owning none: bullad init grants these to bullad's role.
REVOKE EXECUTE ON FUNCTION bulla.try_seal_round(), bulla.seal_as_owner(regclass) FROM PUBLIC;

-- Who says which witnesses there are, and who brings their cosignatures.
REVOKE EXECUTE ON FUNCTION
    bulla.add_witness(text, text), bulla.drop_witness(text), bulla.add_cosignatures(text),
    bulla.witness_request(text, bigint, text), bulla.witnesses_to_ask(interval, interval)
FROM PUBLIC;
GRANT SELECT ON bulla.witness_status TO pg_monitor;
