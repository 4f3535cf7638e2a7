-- What a log serves: C2SP tlog-tiles by origin. A log is found by its origin, for who may read all rows of its ledger;
-- an origin that begins with a slash is one without its host, as the path of a URL has it.

CREATE FUNCTION bulla.find_log(origin text, OUT ledger regclass, OUT chain text, OUT epoch integer, OUT size bigint)
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'bulla_find_log';
COMMENT ON FUNCTION bulla.find_log(text) IS
    'What an origin names: ledger, chain, epoch, and the size of the tree. Needs SELECT on the ledger, as do the other functions of what a log serves; bulla.heads is for everybody. An origin that begins with a slash is one without its host, as the path of a URL has it.';

CREATE FUNCTION bulla.log_checkpoint(origin text) RETURNS text
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    SET synchronous_commit = on
    AS 'MODULE_PATHNAME', 'bulla_log_checkpoint';
COMMENT ON FUNCTION bulla.log_checkpoint(text) IS
    'The newest checkpoint of a log that a witness has cosigned in the last ten minutes, else the newest, also of an earlier epoch.';

CREATE FUNCTION bulla.log_tile(origin text, level integer, index bigint, width integer DEFAULT 256) RETURNS bytea
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    SET synchronous_commit = on
    AS 'MODULE_PATHNAME', 'bulla_log_tile';
COMMENT ON FUNCTION bulla.log_tile(text, integer, bigint, integer) IS
    'A tile of a log''s tree: so many hashes of 32 bytes. Of a tile that has grown since, every smaller width is given as well.';

CREATE FUNCTION bulla.log_entries(origin text, index bigint, width integer DEFAULT 256) RETURNS bytea
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    SET synchronous_commit = on
    AS 'MODULE_PATHNAME', 'bulla_log_entries';
COMMENT ON FUNCTION bulla.log_entries(text, bigint, integer) IS
    'The records of the rows under a tile of level 0, each behind its length in two bytes. Rows that were pruned are not given, nor are rows that are not those that were sealed.';
