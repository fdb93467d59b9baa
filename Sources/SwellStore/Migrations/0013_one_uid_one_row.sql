-- One cluster has one name, by the uid of its kube-system, and the database holds whoever writes to that.

-- Versions before kept the uid of a cluster that was removed: it was in the way of the name that the machine got next.
UPDATE cluster_trust SET cluster_uid = NULL
WHERE cluster_uid IS NOT NULL AND NOT EXISTS (SELECT FROM clusters c WHERE c.name = cluster_trust.cluster);

-- Of two in the fleet that have one, whoever works with it stays, and of those whose remembered certificates go back furthest.
UPDATE cluster_trust t SET cluster_uid = NULL
FROM (
    SELECT u.cluster, row_number() OVER (
        PARTITION BY u.cluster_uid
        ORDER BY EXISTS (
                SELECT FROM certificates s WHERE s.cluster = u.cluster AND s.denied_at IS NULL
                    AND s.number >= u.valid_from AND s.expires_at > swell_now()) DESC,
            (SELECT min(s.issued_at) FROM certificates s WHERE s.cluster = u.cluster), u.cluster COLLATE "C") AS place
    FROM cluster_trust u WHERE u.cluster_uid IS NOT NULL AND strpos(u.cluster_uid, '/') = 0
) AS placed
WHERE placed.cluster = t.cluster AND placed.place > 1;

DROP INDEX cluster_trust_by_uid;
CREATE UNIQUE INDEX cluster_trust_one_name ON cluster_trust (cluster_uid)
    WHERE cluster_uid IS NOT NULL AND strpos(cluster_uid, '/') = 0;

-- Who leaves the fleet takes its uid along, whichever version removes it.
CREATE FUNCTION swell_free_cluster_uid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE cluster_trust SET cluster_uid = NULL WHERE cluster = OLD.name AND cluster_uid IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER clusters_free_their_uid AFTER DELETE ON clusters FOR EACH ROW EXECUTE FUNCTION swell_free_cluster_uid();

ALTER TABLE cluster_trust
    -- When a replica that remembered the floor brought it back, so that the others hear of it: after a restore it is older than they ask for.
    ADD COLUMN floor_raised_at timestamptz;
CREATE INDEX cluster_trust_by_raised_floor ON cluster_trust (floor_raised_at) WHERE floor_raised_at IS NOT NULL;
