-- One Kubernetes cluster has one name in the fleet: by the uid of its kube-system, which agents tell at each hello. Whoever comes next
-- with the uid of another one is refused. (Agents that keep to namespaces tell namespace/uid, and may share a cluster.)

-- A new enrolment, or whoever comes after a revocation, may say another one; until then what was said stays this cluster's.
ALTER TABLE cluster_trust ADD COLUMN uid_is_open boolean NOT NULL DEFAULT false;
CREATE INDEX cluster_trust_by_uid ON cluster_trust (cluster_uid) WHERE cluster_uid IS NOT NULL;

-- Those that have one already: of each uid the one stays whose remembered certificates go back furthest, and the others are refused when they
-- say it again.
UPDATE cluster_trust t SET cluster_uid = NULL
FROM (
    SELECT u.cluster, row_number() OVER (
        PARTITION BY u.cluster_uid
        ORDER BY (SELECT min(s.issued_at) FROM certificates s WHERE s.cluster = u.cluster), u.cluster COLLATE "C") AS place
    FROM cluster_trust u JOIN clusters c ON c.name = u.cluster
    WHERE u.cluster_uid IS NOT NULL AND strpos(u.cluster_uid, '/') = 0
) AS placed
WHERE placed.cluster = t.cluster AND placed.place > 1;

-- The authorities that this installation's replicas trust, by the fingerprint of their keys: a replica with others is none of them.
CREATE TABLE trusted_authorities (
    fingerprint text PRIMARY KEY,
    noted_at timestamptz NOT NULL DEFAULT swell_now(),
    -- Trusted no more; kept, so that a replica that was left behind does not bring it back.
    retired_at timestamptz
);
