-- What every operation does with its request first. What runs once per request or event names the schema of all that
-- it uses: to pin search_path, which the operations do, takes a microsecond each time.

CREATE FUNCTION agentidp.begin_request(
    request_id text,
    token_digest bytea,
    scope text,
    parameters jsonb,
    known_parameters text[]
) RETURNS uuid
    LANGUAGE plpgsql
    AS $$
DECLARE
    -- In the server's log and in pg_stat_activity, until the transaction ends.
    named CONSTANT text NOT NULL := pg_catalog.set_config(
        'application_name', pg_catalog.concat('bullad/', request_id), true);
    because text;
    has_scope boolean;
    bound_to uuid;
BEGIN
    SELECT CASE
               WHEN t.revoked_at IS NOT NULL THEN 'the access token was revoked'
               WHEN t.expires_at OPERATOR(pg_catalog.<=) pg_catalog.now() THEN 'the access token has expired' END,
           t.scopes OPERATOR(pg_catalog.&&) ARRAY[begin_request.scope, 'admin'],
           t.organization_id
    INTO because, has_scope, bound_to
    FROM agentidp.access_tokens AS t
    WHERE t.token_digest OPERATOR(pg_catalog.=) begin_request.token_digest;
    IF NOT FOUND OR because IS NOT NULL THEN
        RAISE EXCEPTION '%', coalesce(because, CASE WHEN token_digest IS NULL THEN 'an access token is needed'
                                               ELSE 'the access token is not known' END)
            USING ERRCODE = 'invalid_authorization_specification',
                  HINT = 'Send a valid access token as Authorization: Bearer TOKEN.';
    ELSIF NOT has_scope THEN
        RAISE EXCEPTION 'the access token lacks the scope %', scope
            USING ERRCODE = 'insufficient_privilege', HINT = 'Use a token that was given this scope.';
    ELSIF parameters OPERATOR(pg_catalog.-) known_parameters OPERATOR(pg_catalog.<>) '{}' THEN
        PERFORM agentidp.refuse_unknown(parameters, known_parameters, 'parameter ');
    END IF;
    RETURN bound_to;
END $$;
COMMENT ON FUNCTION agentidp.begin_request(text, bytea, text, jsonb, text[]) IS
    'Names the request, checks its access token (known, neither revoked nor expired, and given the scope), and refuses parameters that are not known. Returns the organization that the token is bound to; NULL: to none.';

CREATE FUNCTION agentidp.is_administrator(token_digest bytea) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM agentidp.access_tokens AS t
                   WHERE t.token_digest = is_administrator.token_digest AND 'admin' = ANY (t.scopes));
COMMENT ON FUNCTION agentidp.is_administrator(bytea) IS
    'Whether an access token has the scope admin; that it is valid is for agentidp.begin_request to say.';

CREATE FUNCTION agentidp.allowed_organization(
    bound_to uuid,
    organization_id uuid,
    field text,
    n bigint DEFAULT 0
) RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
BEGIN
    IF bound_to OPERATOR(pg_catalog.<>) organization_id THEN
        RAISE EXCEPTION '% names another organization than the access token is bound to',
            agentidp.field_name(field, n)
            USING ERRCODE = 'insufficient_privilege', HINT = 'Leave it out, or use another token.';
    END IF;
    RETURN coalesce(organization_id, bound_to);
END $$;
COMMENT ON FUNCTION agentidp.allowed_organization(uuid, uuid, text, bigint) IS
    'The organization that a request is about: the one it names, else the one its access token is bound to, which is the only one it may name. NULL: none, or all.';
