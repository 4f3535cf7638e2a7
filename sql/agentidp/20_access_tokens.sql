-- Access tokens: what a request shows to be let in. The token itself never reaches the database.

CREATE TABLE agentidp.access_tokens (
    -- SHA-256 of the token, which is random and long: no salt, no stretching needed.
    token_digest bytea PRIMARY KEY CHECK (pg_catalog.octet_length(token_digest) = 32),
    -- What people call it. Not used again after it was revoked, so that events stay unambiguous.
    name text NOT NULL UNIQUE CHECK (pg_catalog.length(name) BETWEEN 1 AND 200),
    -- admin implies the others.
    scopes text[] NOT NULL
        CHECK (scopes <@ '{admin,audit:read,audit:write}' AND pg_catalog.cardinality(scopes) > 0),
    -- The one organization whose events it reads and writes. NULL: all.
    organization_id uuid CHECK (organization_id IS NULL OR NOT 'admin' = ANY (scopes)),
    created_at timestamp with time zone NOT NULL DEFAULT pg_catalog.now(),
    -- NULL: never.
    expires_at timestamp with time zone,
    -- NULL: not revoked.
    revoked_at timestamp with time zone
);
COMMENT ON TABLE agentidp.access_tokens IS
    'One row per access token that was ever added. agentidp.add_access_token and agentidp.revoke_access_token change it.';
COMMENT ON COLUMN agentidp.access_tokens.token_digest IS 'SHA-256 of the token.';
COMMENT ON COLUMN agentidp.access_tokens.name IS 'What people call it; not used again after it was revoked.';
COMMENT ON COLUMN agentidp.access_tokens.scopes IS 'What it allows: admin (everything), audit:read, audit:write.';
COMMENT ON COLUMN agentidp.access_tokens.organization_id IS
    'The one organization whose events it reads and writes; NULL: all.';
COMMENT ON COLUMN agentidp.access_tokens.expires_at IS 'NULL: never.';
COMMENT ON COLUMN agentidp.access_tokens.revoked_at IS 'NULL: not revoked.';

SELECT pg_catalog.pg_extension_config_dump('agentidp.access_tokens', '');

CREATE FUNCTION agentidp.add_access_token(
    token_digest bytea,
    name text,
    scopes text[],
    organization_id uuid DEFAULT NULL,
    expires_at timestamp with time zone DEFAULT NULL
) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF octet_length(token_digest) IS DISTINCT FROM 32 THEN
        RAISE EXCEPTION 'token_digest must be 32 bytes'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give the SHA-256 of the token, never the token itself.';
    ELSIF name IS NULL OR length(name) NOT BETWEEN 1 AND 200 THEN
        RAISE EXCEPTION 'name must be 1 to 200 characters' USING ERRCODE = 'invalid_parameter_value';
    ELSIF scopes IS NULL OR cardinality(scopes) = 0 OR NOT scopes <@ '{admin,audit:read,audit:write}' THEN
        RAISE EXCEPTION 'scopes must be one or more of admin, audit:read and audit:write'
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF organization_id IS NOT NULL AND 'admin' = ANY (scopes) THEN
        RAISE EXCEPTION 'scope admin cannot be bound to an organization'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Leave organization_id out, or give audit:read and audit:write.';
    ELSIF expires_at <= now() THEN
        RAISE EXCEPTION 'expires_at must be in the future' USING ERRCODE = 'invalid_parameter_value';
    ELSIF EXISTS (SELECT FROM agentidp.access_tokens AS t WHERE t.name = add_access_token.name) THEN
        RAISE EXCEPTION 'there is an access token named % already', agentidp.shown(to_jsonb(name))
            USING ERRCODE = 'unique_violation',
                  HINT = 'Choose another name: one that was revoked is not used again.';
    ELSIF EXISTS (SELECT FROM agentidp.access_tokens AS t WHERE t.token_digest = add_access_token.token_digest) THEN
        RAISE EXCEPTION 'this access token was added already'
            USING ERRCODE = 'unique_violation', HINT = 'Make a new one, of 32 random bytes.';
    END IF;
    INSERT INTO agentidp.access_tokens (token_digest, name, scopes, organization_id, expires_at)
    VALUES (token_digest, name, scopes, organization_id, expires_at);
    PERFORM agentidp.append_event('access_token.added', organization_id, jsonb_build_object(
        'name', name, 'scopes', scopes, 'expiresAt', agentidp.time_text(expires_at), 'role', session_user));
END $$;
COMMENT ON FUNCTION agentidp.add_access_token(bytea, text, text[], uuid, timestamp with time zone) IS
    'Adds an access token, known by its SHA-256, and appends access_token.added to the audit events of its organization, or of the system.';

CREATE FUNCTION agentidp.revoke_access_token(name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    token agentidp.access_tokens;
BEGIN
    SELECT t.* INTO token FROM agentidp.access_tokens AS t WHERE t.name = revoke_access_token.name FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no access token named %', agentidp.shown(to_jsonb(name))
            USING ERRCODE = 'no_data_found', HINT = 'agentidp.access_tokens lists them.';
    ELSIF token.revoked_at IS NOT NULL THEN
        RETURN;
    END IF;
    UPDATE agentidp.access_tokens AS t SET revoked_at = now() WHERE t.token_digest = token.token_digest;
    PERFORM agentidp.append_event('access_token.revoked', token.organization_id,
                                  jsonb_build_object('name', name, 'role', session_user));
END $$;
COMMENT ON FUNCTION agentidp.revoke_access_token(text) IS
    'Revokes an access token from the next request on, and appends access_token.revoked to the audit events of its organization, or of the system. Revoking twice changes nothing.';
