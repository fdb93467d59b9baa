-- The session whose words count as a cluster's: what an earlier one said and is still under way does not.

ALTER TABLE agents ADD COLUMN session text;
