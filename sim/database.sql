-- The log of simulations. Each run adds one row to `simulations` and carries its id in all others.
-- Tables and columns are named as in the original; agents are numbered from 1 in the order of their
-- births, resources from 1, steps from 0. A row is what really happened, never what was planned.
-- A simulation without end_time was cut short: its rows up to the last flush are there.

CREATE TABLE simulations (
    simulation_id   INTEGER PRIMARY KEY,
    start_time      TEXT NOT NULL,      -- UTC, ISO 8601
    end_time        TEXT,
    status          TEXT NOT NULL,      -- running, completed, interrupted, extinct
    parameters      TEXT NOT NULL,      -- JSON
    results_summary TEXT                -- JSON, at the end
);

CREATE TABLE agents (
    simulation_id      INTEGER NOT NULL,
    agent_id           INTEGER NOT NULL,
    birth_time         INTEGER NOT NULL, -- step; the first agents are born in step 0
    death_time         INTEGER,          -- step; NULL while alive
    agent_type         TEXT NOT NULL,    -- System, Independent, Control
    position_x         REAL NOT NULL,    -- at birth
    position_y         REAL NOT NULL,
    initial_resources  REAL NOT NULL,
    starting_health    REAL NOT NULL,
    generation         INTEGER NOT NULL,
    parent_id          INTEGER,          -- NULL for the first agents
    death_cause        TEXT,             -- starvation, combat
    genome_id          TEXT NOT NULL,    -- TYPE:GENERATION:PARENTS:STEP of who had it first
    action_weights     TEXT NOT NULL,    -- JSON, by action
    PRIMARY KEY (simulation_id, agent_id)
) WITHOUT ROWID;

-- At the end of each step, every living agent.
CREATE TABLE agent_states (
    simulation_id      INTEGER NOT NULL,
    step_number        INTEGER NOT NULL,
    agent_id           INTEGER NOT NULL,
    position_x         REAL NOT NULL,
    position_y         REAL NOT NULL,
    resource_level     REAL NOT NULL,
    current_health     REAL NOT NULL,
    starvation_counter INTEGER NOT NULL,
    is_defending       INTEGER NOT NULL,
    total_reward       REAL NOT NULL,
    age                INTEGER NOT NULL  -- steps since birth
);

-- At the end of each step, every resource.
CREATE TABLE resource_states (
    simulation_id INTEGER NOT NULL,
    step_number   INTEGER NOT NULL,
    resource_id   INTEGER NOT NULL,
    amount        REAL NOT NULL,
    position_x    REAL NOT NULL,
    position_y    REAL NOT NULL
);

CREATE TABLE simulation_steps (
    simulation_id                 INTEGER NOT NULL,
    step_number                   INTEGER NOT NULL,
    total_agents                  INTEGER NOT NULL, -- living at the end of the step
    system_agents                 INTEGER NOT NULL,
    independent_agents            INTEGER NOT NULL,
    control_agents                INTEGER NOT NULL,
    total_resources               REAL NOT NULL,
    average_agent_resources       REAL NOT NULL,
    births                        INTEGER NOT NULL, -- in this step
    deaths                        INTEGER NOT NULL, -- in this step
    current_max_generation        INTEGER NOT NULL,
    resource_efficiency           REAL NOT NULL,    -- total / (number * maximum)
    resource_distribution_entropy REAL NOT NULL,    -- -sum p ln p over the amounts
    average_agent_health          REAL NOT NULL,
    average_agent_age             REAL NOT NULL,
    average_reward                REAL NOT NULL,
    combat_encounters             INTEGER NOT NULL, -- attacks since the beginning
    successful_attacks            INTEGER NOT NULL, -- of these, with damage
    resources_shared              REAL NOT NULL,    -- since the beginning
    combat_encounters_this_step   INTEGER NOT NULL,
    successful_attacks_this_step  INTEGER NOT NULL,
    resources_shared_this_step    REAL NOT NULL,
    resources_gathered            REAL NOT NULL,    -- in this step
    resources_consumed            REAL NOT NULL,    -- by how much the total has sunk, or 0
    genetic_diversity             REAL NOT NULL,    -- distinct genomes / agents
    dominant_genome_ratio         REAL NOT NULL,    -- agents of the most frequent genome / agents
    -- In this step: what looking took, and how moves reached the agents' index.
    observations                  INTEGER NOT NULL,
    bilinear_points               INTEGER NOT NULL, -- cells that resources were spread over
    nearest_points                INTEGER NOT NULL, -- cells of the mapped grid that were read
    index_rebuilds                INTEGER NOT NULL,
    index_individual_updates      INTEGER NOT NULL, -- moves taken over at once
    index_batches                 INTEGER NOT NULL,
    index_batched_updates         INTEGER NOT NULL, -- moves taken over in them
    index_average_batch           REAL NOT NULL,    -- moves of a batch; 0 without any
    index_dirty_regions           INTEGER NOT NULL, -- that became dirty
    index_regions_processed       INTEGER NOT NULL, -- dirty regions in the batches
    index_regions_preferred       INTEGER NOT NULL, -- of these, before one that was dirty earlier
    PRIMARY KEY (simulation_id, step_number)
) WITHOUT ROWID;

-- Every action, whether it came to something or not.
CREATE TABLE agent_actions (
    action_id        INTEGER PRIMARY KEY,
    simulation_id    INTEGER NOT NULL,
    step_number      INTEGER NOT NULL,
    agent_id         INTEGER NOT NULL,
    action_type      TEXT NOT NULL,
    action_target_id INTEGER,          -- agent, for gather the resource; NULL: none
    succeeded        INTEGER NOT NULL,
    amount           REAL NOT NULL,    -- damage, healing, resources, distance
    resources_before REAL NOT NULL,
    resources_after  REAL NOT NULL,
    reward           REAL NOT NULL     -- the whole reward of the turn
);

-- Every successful action that had a target.
CREATE TABLE interactions (
    interaction_id   INTEGER PRIMARY KEY,
    simulation_id    INTEGER NOT NULL,
    step_number      INTEGER NOT NULL,
    source_id        INTEGER NOT NULL, -- agent
    target_type      TEXT NOT NULL,    -- agent, resource
    target_id        INTEGER NOT NULL,
    interaction_type TEXT NOT NULL     -- the action
);

-- What was handed to a learner: nothing with --network none. A death in the step has already changed
-- the reward, by reward_dead - reward_alive; one that comes before the agent's next turn changes what
-- the learner remembers afterwards, and no row.
CREATE TABLE learning_experiences (
    experience_id       INTEGER PRIMARY KEY,
    simulation_id       INTEGER NOT NULL,
    step_number         INTEGER NOT NULL,
    agent_id            INTEGER NOT NULL,
    module_id           TEXT NOT NULL, -- the type whose agents share the learner; agent_id: its own
    action_taken        INTEGER NOT NULL,
    action_taken_mapped TEXT NOT NULL,
    reward              REAL NOT NULL
);

-- Every change of health.
CREATE TABLE health_incidents (
    incident_id   INTEGER PRIMARY KEY,
    simulation_id INTEGER NOT NULL,
    step_number   INTEGER NOT NULL,
    agent_id      INTEGER NOT NULL,
    health_before REAL NOT NULL,
    health_after  REAL NOT NULL,
    cause         TEXT NOT NULL,       -- combat, healing
    source_id     INTEGER              -- the attacker
);

-- Every attempt to reproduce.
CREATE TABLE reproduction_events (
    event_id                    INTEGER PRIMARY KEY,
    simulation_id               INTEGER NOT NULL,
    step_number                 INTEGER NOT NULL,
    parent_id                   INTEGER NOT NULL,
    offspring_id                INTEGER, -- NULL on failure
    success                     INTEGER NOT NULL,
    parent_resources_before     REAL NOT NULL,
    parent_resources_after      REAL NOT NULL,
    failure_reason              TEXT,
    parent_generation           INTEGER NOT NULL,
    parent_position_x           REAL NOT NULL,
    parent_position_y           REAL NOT NULL
);

-- Every share.
CREATE TABLE social_interactions (
    interaction_id             INTEGER PRIMARY KEY,
    simulation_id              INTEGER NOT NULL,
    step_number                INTEGER NOT NULL,
    initiator_id               INTEGER NOT NULL,
    recipient_id               INTEGER NOT NULL,
    subtype                    TEXT NOT NULL, -- ally, enemy
    resources_transferred      REAL NOT NULL,
    distance                   REAL NOT NULL,
    initiator_resources_before REAL NOT NULL,
    initiator_resources_after  REAL NOT NULL,
    recipient_resources_before REAL NOT NULL,
    recipient_resources_after  REAL NOT NULL
);
