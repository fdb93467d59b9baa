-- Decisions read only what concerns them: replicas keep clusters' documents in memory, and know by stamps what of it still holds.

-- Drawn anew with every change of a document. Not counted: after a failover that lost commits, or a restore, a count comes to the same value
-- again with something else behind it; what was drawn does not.
ALTER TABLE clusters ADD COLUMN stamp uuid NOT NULL DEFAULT gen_random_uuid();
ALTER TABLE fleet_guard ADD COLUMN documents uuid NOT NULL DEFAULT gen_random_uuid();

-- Whoever changes clusters, by hand or as an earlier version, waits for decisions, makes rollouts due, and is seen by what is kept.
CREATE FUNCTION swell_note_cluster_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE fleet_guard IN EXCLUSIVE MODE;
    UPDATE fleet_guard SET version = version + 1, documents = gen_random_uuid();
    RETURN NULL;
END $$;
CREATE TRIGGER clusters_are_guarded BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON clusters
    FOR EACH STATEMENT EXECUTE FUNCTION swell_note_cluster_change();

CREATE FUNCTION swell_stamp_cluster() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.stamp := gen_random_uuid();
    RETURN NEW;
END $$;
CREATE TRIGGER clusters_are_stamped BEFORE INSERT OR UPDATE ON clusters
    FOR EACH ROW EXECUTE FUNCTION swell_stamp_cluster();

-- What counts against the fleet's limit, rollout by rollout.
CREATE INDEX rollout_targets_in_flight ON rollout_targets (rollout) WHERE is_in_flight;
