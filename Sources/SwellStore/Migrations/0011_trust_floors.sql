-- What a revocation, a removal or an enrolment ended, for replicas to remember beside the database, so that a restore does not bring it back.

ALTER TABLE cluster_trust
    -- The least number that counted when all before was ended last, when that was, and the certificate that an enrolment brought then.
    ADD COLUMN floor bigint NOT NULL DEFAULT 0,
    ADD COLUMN floor_at timestamptz,
    ADD COLUMN floor_serial text;
CREATE INDEX cluster_trust_by_floor ON cluster_trust (floor_at) WHERE floor_at IS NOT NULL;

-- Whether an operator ended this one by name.
ALTER TABLE certificates ADD COLUMN is_revoked boolean NOT NULL DEFAULT false;
CREATE INDEX certificates_revoked ON certificates (denied_at) WHERE is_revoked;
