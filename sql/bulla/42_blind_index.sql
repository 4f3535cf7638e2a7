-- Finding sealed values by equality.

CREATE FUNCTION bulla.blind_index(value text, key text, context text, bits integer DEFAULT 256) RETURNS bytea
    LANGUAGE C IMMUTABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_blind_index';
COMMENT ON FUNCTION bulla.blind_index(text, text, text, integer) IS
    'HMAC-SHA-256 of a text under a key of purpose index, derived anew for each context, cut to bits (a multiple of 8 from 8 to 256): equal texts give equal bytes, in this context alone. For columns and indexes beside a sealed value; to look values up, compare with bulla.search_token. Who reads it sees which rows are equal and how often each value occurs, and who may compute it can try values: a small domain (a birthday, a postcode) gives itself away. Normalise before: upper and lower case differ. NULL gives NULL.';

CREATE FUNCTION bulla.search_token(value text, key text, context text, bits integer DEFAULT 256) RETURNS bytea
    LANGUAGE C STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'bulla_blind_index';
COMMENT ON FUNCTION bulla.search_token(text, text, text, integer) IS
    'What bulla.blind_index gives, for the other side of the comparison: WHERE bulla.blind_index(c, …) = bulla.search_token($1, …). Computed whenever the statement is run and never kept in a plan, so that it asks each time whether the role may use the key.';
