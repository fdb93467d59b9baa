-- Of each cluster a bounded number of reports waits for a rollout; which of them comes after some that were not kept.
ALTER TABLE report_inbox ADD COLUMN after_gap boolean NOT NULL DEFAULT false;
CREATE INDEX report_inbox_by_cluster ON report_inbox (cluster, rollout, id);
