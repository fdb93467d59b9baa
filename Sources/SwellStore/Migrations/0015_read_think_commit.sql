-- Decisions are thought outside of any transaction: they are committed only on what was read.

-- As decisions take it, before the rollouts: replicas of the version before decide meanwhile, and hold it first.
LOCK TABLE fleet_guard IN ACCESS EXCLUSIVE MODE;

ALTER TABLE rollouts
    -- Drawn anew with every change of the rollout; never the same again, also where the database goes back to an earlier state.
    ADD COLUMN revision uuid NOT NULL DEFAULT gen_random_uuid(),
    -- How many targets stand how, for lists; null where whoever wrote the rollout last does not say.
    ADD COLUMN counts jsonb;
-- Drawn anew with every change of what surrounds rollouts.
ALTER TABLE fleet_guard ADD COLUMN revision uuid NOT NULL DEFAULT gen_random_uuid();

UPDATE rollouts r SET counts = (
    SELECT jsonb_object_agg(phase, number) FROM (
        SELECT phase, count(*) AS number FROM rollout_targets WHERE rollout = r.name GROUP BY phase) counts);

-- Whoever draws no revision of a rollout is a hand, or an earlier version, and does not count either.
CREATE FUNCTION swell_revise_rollout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.revision = OLD.revision THEN
        NEW.revision := gen_random_uuid();
        NEW.counts := NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rollouts_are_revised BEFORE UPDATE ON rollouts
    FOR EACH ROW EXECUTE FUNCTION swell_revise_rollout();

CREATE FUNCTION swell_revise_fleet() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.revision := gen_random_uuid();
    RETURN NEW;
END $$;
CREATE TRIGGER fleet_is_revised BEFORE UPDATE ON fleet_guard
    FOR EACH ROW EXECUTE FUNCTION swell_revise_fleet();
