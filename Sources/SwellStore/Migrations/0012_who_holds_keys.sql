-- Which starts of a cluster's agent began sessions, so that two which take turns with one certificate are found, whichever replicas they meet.

ALTER TABLE agents ADD COLUMN boots jsonb;
-- When two agents were first seen to take turns with this one.
ALTER TABLE certificates ADD COLUMN shared_at timestamptz;

-- When a replica first signed with this one, so that it is audited once. Of those that are trusted the first has.
ALTER TABLE trusted_authorities ADD COLUMN activated_at timestamptz;
UPDATE trusted_authorities SET activated_at = noted_at WHERE retired_at IS NOT NULL OR fingerprint = (
    SELECT fingerprint FROM trusted_authorities WHERE retired_at IS NULL
    ORDER BY noted_at, fingerprint COLLATE "C" LIMIT 1);

-- Keys for Secrets that replicas were started with, and when one was first started that seals with it.
CREATE TABLE secret_keys (
    key_id text PRIMARY KEY,
    noted_at timestamptz NOT NULL DEFAULT swell_now(),
    activated_at timestamptz
);
