-- Swell's tables. Values that the program reads back whole are JSON documents; what is asked for by value has a column.
-- Times are the database's own, to the millisecond, so that they survive the way through the program unchanged.

CREATE FUNCTION swell_now() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS $$ SELECT date_trunc('milliseconds', clock_timestamp()) $$;

-- The fleet as declared.

CREATE TABLE clusters (
    name text PRIMARY KEY,
    document jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT swell_now()
);

CREATE TABLE applications (
    name text PRIMARY KEY,
    document jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT swell_now()
);

CREATE TABLE policies (
    name text PRIMARY KEY,
    document jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT swell_now()
);

CREATE TABLE region_pauses (
    region text PRIMARY KEY,
    pause jsonb NOT NULL
);

CREATE TABLE cluster_pauses (
    cluster text PRIMARY KEY,
    pause jsonb NOT NULL
);

-- One row. Decisions lock the table in ROW SHARE mode; whoever changes what surrounds rollouts locks it in EXCLUSIVE mode, so that
-- nothing is decided on what was, once the change has returned. Table locks queue fairly, row locks would not.
CREATE TABLE fleet_guard (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    version bigint NOT NULL DEFAULT 0
);
INSERT INTO fleet_guard DEFAULT VALUES;

-- One row; decisions lock it while it limits, since they take from one budget.
CREATE TABLE fleet_limit (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    max_in_flight integer CHECK (max_in_flight > 0)
);
INSERT INTO fleet_limit DEFAULT VALUES;

-- One row: the number of the last change that a cursor can see. It is raised as the last thing in a transaction, and its row lock is
-- held until the commit: so numbers become visible in their order, and no reader's cursor can pass one that commits later.
CREATE TABLE change_counter (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    value bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO change_counter DEFAULT VALUES;

-- Releases and their content.

CREATE TABLE documents (
    digest text PRIMARY KEY,
    content bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT swell_now()
);

CREATE TABLE releases (
    application text NOT NULL REFERENCES applications,
    version text NOT NULL,
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    digest text NOT NULL REFERENCES documents,
    document jsonb NOT NULL,
    PRIMARY KEY (application, version)
);
CREATE INDEX releases_by_digest ON releases (digest);

-- Which documents a bundle consists of, its index among them.
CREATE TABLE bundle_documents (
    bundle text NOT NULL,
    document text NOT NULL REFERENCES documents,
    PRIMARY KEY (bundle, document)
);
CREATE INDEX bundle_documents_by_document ON bundle_documents (document);

-- Rollouts.

CREATE TABLE rollouts (
    name text PRIMARY KEY,
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    application text NOT NULL,
    phase text NOT NULL,
    is_ended boolean NOT NULL,
    -- The rollout without its targets.
    header jsonb NOT NULL,
    -- The whole rollout as it was planned; transitions are replayed onto it.
    plan jsonb NOT NULL,
    wake_at timestamptz,
    -- The version of the fleet that the last decision saw.
    seen_fleet bigint NOT NULL
);
CREATE INDEX rollouts_by_application ON rollouts (application, id);
CREATE INDEX rollouts_active ON rollouts (name) WHERE NOT is_ended;

CREATE TABLE rollout_targets (
    rollout text NOT NULL REFERENCES rollouts,
    cluster text NOT NULL,
    phase text NOT NULL,
    -- Whether it counts against the fleet's limit.
    is_in_flight boolean NOT NULL,
    state jsonb NOT NULL,
    PRIMARY KEY (rollout, cluster)
) WITH (fillfactor = 70);

-- One active rollout per (cluster, application).
CREATE TABLE rollout_claims (
    cluster text NOT NULL,
    application text NOT NULL,
    rollout text NOT NULL REFERENCES rollouts,
    PRIMARY KEY (cluster, application)
);
CREATE INDEX rollout_claims_by_rollout ON rollout_claims (rollout);

CREATE TABLE rollout_commands (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    rollout text NOT NULL REFERENCES rollouts,
    command jsonb NOT NULL,
    ordered_by text NOT NULL,
    ordered_at timestamptz NOT NULL,
    decided_at timestamptz,
    refusal text
);
CREATE INDEX rollout_commands_pending ON rollout_commands (rollout, id) WHERE decided_at IS NULL;

-- Reports that the next decision of a rollout reads, once.
CREATE TABLE report_inbox (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    rollout text NOT NULL,
    cluster text NOT NULL,
    report jsonb NOT NULL,
    received_at timestamptz NOT NULL
);
CREATE INDEX report_inbox_by_rollout ON report_inbox (rollout, id);

-- Agents and what they run. None of these refers to clusters: what is known of one that left is kept for its return.

CREATE TABLE agents (
    cluster text PRIMARY KEY,
    is_enrolled boolean NOT NULL DEFAULT false,
    connected_to text,
    version text,
    last_seen_at timestamptz
) WITH (fillfactor = 70);

CREATE TABLE cluster_status (
    cluster text NOT NULL,
    application text NOT NULL,
    highest_generation bigint NOT NULL,
    received_at timestamptz NOT NULL,
    report jsonb NOT NULL,
    PRIMARY KEY (cluster, application)
) WITH (fillfactor = 70);

CREATE TABLE assignments (
    cluster text NOT NULL,
    application text NOT NULL,
    generation bigint NOT NULL,
    -- Drawn from change_counter.
    change bigint NOT NULL,
    digest text,
    fallback_digest text,
    assignment jsonb NOT NULL,
    PRIMARY KEY (cluster, application)
);
CREATE INDEX assignments_by_change ON assignments (change);

CREATE TABLE proven_releases (
    cluster text NOT NULL,
    application text NOT NULL,
    digest text NOT NULL,
    version text NOT NULL,
    generation bigint NOT NULL,
    proven_at timestamptz NOT NULL,
    PRIMARY KEY (cluster, application, digest)
);

-- Who may decide, and who may connect.

CREATE SEQUENCE lease_epochs;

CREATE TABLE leases (
    name text PRIMARY KEY,
    holder text NOT NULL,
    epoch bigint NOT NULL,
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE join_tokens (
    hash text PRIMARY KEY,
    cluster text NOT NULL,
    expires_at timestamptz NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT swell_now(),
    spent_at timestamptz,
    certificate_serial text
);
CREATE INDEX join_tokens_by_cluster ON join_tokens (cluster);

CREATE TABLE certificates (
    serial text PRIMARY KEY,
    cluster text NOT NULL,
    expires_at timestamptz,
    denied_at timestamptz
);
CREATE INDEX certificates_by_cluster ON certificates (cluster);

-- What happened, by month.

CREATE TABLE audit_events (
    -- Drawn from change_counter.
    id bigint NOT NULL,
    at timestamptz NOT NULL,
    caused_by text NOT NULL,
    what text NOT NULL,
    rollout text,
    application text,
    stage text,
    region text,
    cluster text,
    from_phase text,
    to_phase text,
    reason text,
    transition jsonb,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE INDEX audit_events_by_rollout ON audit_events (rollout, id);
CREATE INDEX audit_events_by_application ON audit_events (application, id);
CREATE INDEX audit_events_by_region ON audit_events (region, id);
CREATE INDEX audit_events_by_cluster ON audit_events (cluster, id);

-- Takes what comes for a month that nobody prepared.
CREATE TABLE audit_events_default PARTITION OF audit_events DEFAULT;

-- Makes the partitions of this month and of so many after it, moving what the default one took in for them. Returns how many it made.
CREATE FUNCTION swell_prepare_audit_partitions(months integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    this_month timestamp := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC');
    month_start timestamptz;
    month_end timestamptz;
    partition_name text;
    made integer := 0;
BEGIN
    FOR step IN 0..months LOOP
        month_start := (this_month + make_interval(months => step)) AT TIME ZONE 'UTC';
        month_end := (this_month + make_interval(months => step + 1)) AT TIME ZONE 'UTC';
        partition_name := 'audit_events_' || to_char(month_start AT TIME ZONE 'UTC', 'YYYYMM');
        CONTINUE WHEN to_regclass(partition_name) IS NOT NULL;
        LOCK TABLE audit_events IN SHARE ROW EXCLUSIVE MODE;
        EXECUTE format('CREATE TABLE %I (LIKE audit_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition_name);
        EXECUTE format(
            'WITH moved AS (DELETE FROM audit_events_default WHERE at >= %L AND at < %L RETURNING *)'
            ' INSERT INTO %I SELECT * FROM moved', month_start, month_end, partition_name);
        EXECUTE format(
            'ALTER TABLE audit_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            partition_name, month_start, month_end);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

SELECT swell_prepare_audit_partitions(2);
