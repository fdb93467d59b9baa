-- Documents that hold Secrets are stored sealed where the coordinator has a key for it: `content` is then the ciphertext, `sealed_key` the
-- document's own key, sealed with the key of this id. What is in clear keeps both empty.

ALTER TABLE documents
    ADD COLUMN key_id text,
    ADD COLUMN sealed_key bytea,
    -- Whether the content holds values of Secrets; nobody has looked at those of before.
    ADD COLUMN is_secret boolean,
    ADD CONSTRAINT documents_sealed_whole CHECK ((key_id IS NULL) = (sealed_key IS NULL));

CREATE INDEX documents_to_seal ON documents (digest) WHERE key_id IS NULL AND is_secret IS NOT FALSE;
CREATE INDEX documents_by_key ON documents (key_id, digest) WHERE key_id IS NOT NULL;
