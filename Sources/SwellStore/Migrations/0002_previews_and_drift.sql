-- Questions to agents and their answers, on their way between an API call and the replica that has the agent's session. Each lives for
-- seconds. Not logged: after a crash nobody waits for them any more.

CREATE UNLOGGED TABLE previews (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    cluster text NOT NULL,
    application text NOT NULL,
    version text NOT NULL,
    -- The bundle's digest: while the question is open, its documents may be read by the cluster.
    digest text NOT NULL,
    expires_at timestamptz NOT NULL,
    answer jsonb
);
CREATE INDEX previews_by_cluster ON previews (cluster);

-- What others changed of an application's objects: the last finding of each agent.

CREATE TABLE cluster_drift (
    cluster text NOT NULL,
    application text NOT NULL,
    received_at timestamptz NOT NULL,
    -- When a finding last went into the audit log: one that comes too soon after it is not logged.
    logged_at timestamptz,
    drift jsonb NOT NULL,
    PRIMARY KEY (cluster, application)
) WITH (fillfactor = 70);
