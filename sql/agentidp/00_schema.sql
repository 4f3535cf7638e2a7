-- AgentIdP's tables and rules are in the schema agentidp; what the REST service calls, one function per
-- operation, in agentidp_api. Made here and not found: whoever owned them before would own what is put into
-- them later.

CREATE SCHEMA agentidp;
COMMENT ON SCHEMA agentidp IS 'AgentIdP: its tables and rules.';

CREATE SCHEMA agentidp_api;
COMMENT ON SCHEMA agentidp_api IS
    'AgentIdP: one function per operation of its REST service. agentidp.grant_service lets a role call them.';
