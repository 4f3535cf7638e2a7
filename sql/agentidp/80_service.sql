-- Letting the REST service in.

CREATE FUNCTION agentidp.grant_service(role regrole) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA agentidp_api TO %s', role);
    EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA agentidp_api TO %s', role);
END $$;
COMMENT ON FUNCTION agentidp.grant_service(regrole) IS
    'Lets a role call the functions of agentidp_api, and nothing else: what the REST service logs in as. To be called again after an update of the extension.';
