-- Everything of Bulla is in this schema. Made here and not found: whoever owned it before would own what is
-- put into it later. (The control file names pg_catalog, so that this script runs with that search_path.)

CREATE SCHEMA bulla;
COMMENT ON SCHEMA bulla IS 'Bulla: ledgers, keys and sealed values.';
