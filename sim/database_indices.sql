-- Made when a run ends: sorting once is a fraction of the cost of keeping them sorted all the time.
CREATE INDEX IF NOT EXISTS agent_states_agent ON agent_states (agent_id, step_number);
CREATE INDEX IF NOT EXISTS agent_states_step ON agent_states (step_number);
CREATE INDEX IF NOT EXISTS resource_states_step ON resource_states (step_number);
CREATE INDEX IF NOT EXISTS agent_actions_step ON agent_actions (step_number);
CREATE INDEX IF NOT EXISTS agent_actions_agent ON agent_actions (agent_id);
CREATE INDEX IF NOT EXISTS interactions_step ON interactions (step_number);
CREATE INDEX IF NOT EXISTS learning_experiences_agent ON learning_experiences (agent_id);
CREATE INDEX IF NOT EXISTS health_incidents_agent ON health_incidents (agent_id);
CREATE INDEX IF NOT EXISTS reproduction_events_parent ON reproduction_events (parent_id);
CREATE INDEX IF NOT EXISTS social_interactions_initiator ON social_interactions (initiator_id);
