-- Values that were not opened: recorded though their transaction rolls back.

CREATE FUNCTION bulla.open_failures(OUT session bigint, OUT waiting bigint, OUT lost bigint) RETURNS record
    LANGUAGE C VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_open_failures';
COMMENT ON FUNCTION bulla.open_failures() IS
    'How often this session was refused the use of a key to decrypt, or a value did not open to it; how many entries of this database wait in shared memory to become events; how many entries of the whole server found no room there since it started. The last two are 0 unless the library is preloaded: then the server''s log has a line for each.';
