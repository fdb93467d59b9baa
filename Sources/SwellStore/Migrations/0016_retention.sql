-- What is let go with time, without anybody in its way.

-- Orders go with their rollout, and are looked for by it.
CREATE INDEX rollout_commands_by_rollout ON rollout_commands (rollout);

DO $outer$
DECLARE
    schema_name text := quote_ident(current_schema());
BEGIN
    -- A restore of data alone runs with an empty search path: these name their tables with the schema.
    EXECUTE format('ALTER FUNCTION swell_note_cluster_change() SET search_path = %s, pg_temp', schema_name);
    EXECUTE format('ALTER FUNCTION swell_stamp_cluster() SET search_path = %s, pg_temp', schema_name);
    EXECUTE format('ALTER FUNCTION swell_revise_rollout() SET search_path = %s, pg_temp', schema_name);
    EXECUTE format('ALTER FUNCTION swell_revise_fleet() SET search_path = %s, pg_temp', schema_name);
END $outer$;
