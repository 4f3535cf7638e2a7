-- Recorded restores: what was published may go beyond what is here, so a new epoch begins. docs/spec/checkpoint.md.

CREATE TABLE bulla.restores (
    ledger_id uuid NOT NULL,
    -- The epoch that it opened: chains of the ledger are sealed in the highest one.
    epoch integer NOT NULL CHECK (epoch > 0),
    recorded_at timestamp with time zone NOT NULL,
    recorded_by name NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (ledger_id, epoch)
);
COMMENT ON TABLE bulla.restores IS
    'Restores that were recorded, for each ledger that they are of.';

SELECT pg_catalog.pg_extension_config_dump('bulla.restores', '');
ALTER TABLE bulla.restores ENABLE ROW LEVEL SECURITY;

CREATE FUNCTION bulla.record_restore(ledger regclass, reason text, VARIADIC last_checkpoints text[] DEFAULT '{}')
    RETURNS integer
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_record_restore';
COMMENT ON FUNCTION bulla.record_restore(regclass, text, text[]) IS
    'Records that a ledger was restored from an older state, so that what was published of it may go beyond what is here: opens the next epoch of its chains, under new origins and keys, with first checkpoints over what is there, and lets this server sign them. Of all ledgers at once where the ledger is NULL, and always where another server signed before. last_checkpoints are the newest ones that anybody has of the old origins: with them what was lost is told in full. Returns the number of the epoch. Recorded as ledger.restored for each chain that was sealed, and as log.restored. bulla.verify reports it as restored, for ever. Versions of AES-256-GCM keys seal no more, for their counts of messages may have gone back: bulla.rotate_key gives those keys new ones.';
