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

-- Keys for Secrets that were retired. A replica that was not restarted since must not seal with one that nobody has any more.
CREATE TABLE retired_secret_keys (
    key_id text PRIMARY KEY,
    retired_at timestamptz NOT NULL DEFAULT swell_now()
);
CREATE FUNCTION swell_refuse_retired_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM retired_secret_keys WHERE key_id = NEW.key_id) THEN
        RAISE EXCEPTION 'the key % was retired', NEW.key_id USING ERRCODE = 'SW001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER documents_sealed_under_a_living_key BEFORE INSERT OR UPDATE OF key_id ON documents
    FOR EACH ROW WHEN (NEW.key_id IS NOT NULL) EXECUTE FUNCTION swell_refuse_retired_key();
