-- What every operation does with its request first.

CREATE FUNCTION agentidp.begin_request(request_id text, token_digest bytea, scope text) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    token agentidp.access_tokens;
    because text;
BEGIN
    -- In the server's log and in pg_stat_activity, until the transaction ends.
    PERFORM set_config('application_name', 'bullad/' || request_id, true);
    SELECT t.* INTO token FROM agentidp.access_tokens AS t WHERE t.token_digest = begin_request.token_digest;
    because := CASE
        WHEN begin_request.token_digest IS NULL THEN 'an access token is needed'
        WHEN token.token_digest IS NULL THEN 'the access token is not known'
        WHEN token.revoked_at IS NOT NULL THEN 'the access token was revoked'
        WHEN token.expires_at <= now() THEN 'the access token has expired' END;
    IF because IS NOT NULL THEN
        RAISE EXCEPTION '%', because
            USING ERRCODE = 'invalid_authorization_specification',
                  HINT = 'Send a valid access token as Authorization: Bearer TOKEN.';
    ELSIF NOT (scope = ANY (token.scopes) OR 'admin' = ANY (token.scopes)) THEN
        RAISE EXCEPTION 'the access token lacks the scope %', scope
            USING ERRCODE = 'insufficient_privilege', HINT = 'Use a token that was given this scope.';
    END IF;
    RETURN token.organization_id;
END $$;
COMMENT ON FUNCTION agentidp.begin_request(text, bytea, text) IS
    'Names the request and checks its access token: known, neither revoked nor expired, and given the scope. Returns the organization that the token is bound to; NULL: to none.';

CREATE FUNCTION agentidp.allowed_organization(bound_to uuid, organization_id uuid, field text) RETURNS uuid
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF bound_to <> organization_id THEN
        RAISE EXCEPTION '% names another organization than the access token is bound to', field
            USING ERRCODE = 'insufficient_privilege', HINT = 'Leave it out, or use another token.';
    END IF;
    RETURN coalesce(organization_id, bound_to);
END $$;
COMMENT ON FUNCTION agentidp.allowed_organization(uuid, uuid, text) IS
    'The organization that a request is about: the one it names, else the one its access token is bound to, which is the only one it may name. NULL: none, or all.';
