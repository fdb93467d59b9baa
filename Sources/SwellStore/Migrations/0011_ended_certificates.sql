-- Replicas remember which certificates were ended, so that a restore does not bring them back, and ask for what was ended since they asked.

CREATE INDEX certificates_by_end ON certificates (denied_at) WHERE denied_at IS NOT NULL;
CREATE INDEX certificates_by_enrolment ON certificates (issued_at) WHERE former IS NULL;
