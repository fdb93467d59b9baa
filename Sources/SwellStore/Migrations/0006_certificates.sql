-- Which certificates count: those that are listed, whose number is not below their cluster's "valid from". One row a cluster, which is
-- locked by whatever changes that: an enrolment, a renewal, a revocation, a removal.

CREATE TABLE cluster_trust (
    cluster text PRIMARY KEY,
    -- The number of the certificate issued last; the next one gets the next.
    counter bigint NOT NULL DEFAULT 0,
    -- The least number that counts.
    valid_from bigint NOT NULL DEFAULT 0,
    -- What tells the cluster behind the name from another one: told by the agent that enrolled last.
    cluster_uid text,
    -- Until when one certificate that is not listed is taken in, after a restore.
    readmit_until timestamptz
);

ALTER TABLE certificates
    ADD COLUMN number bigint NOT NULL DEFAULT 0,
    -- The serial number of the certificate that it was asked for with; none for one that a token was spent for.
    ADD COLUMN former text,
    ADD COLUMN key_fingerprint text,
    ADD COLUMN issued_at timestamptz NOT NULL DEFAULT swell_now(),
    ADD COLUMN used_at timestamptz,
    -- When it was told that somebody came with it who should not have it.
    ADD COLUMN misused_at timestamptz;
CREATE INDEX certificates_by_former ON certificates (former) WHERE former IS NOT NULL;

INSERT INTO cluster_trust (cluster) SELECT name FROM clusters UNION SELECT cluster FROM certificates;
-- Who left the fleet before this does not come back with what it had.
UPDATE certificates s SET denied_at = swell_now()
WHERE denied_at IS NULL AND NOT EXISTS (SELECT 1 FROM clusters c WHERE c.name = s.cluster);
DELETE FROM join_tokens t
WHERE spent_at IS NULL AND NOT EXISTS (SELECT 1 FROM clusters c WHERE c.name = t.cluster);
