-- What is in the audit log stays as it was written, also for the service itself. Whoever owns the tables can take these triggers off; a
-- mistake in the service, or a statement that was smuggled into it, cannot. What is too old goes by whole partitions, which are dropped.

CREATE FUNCTION swell_refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Rows that the default partition took in move into their month: see swell_prepare_audit_partitions.
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'audit_events_default' AND current_setting('swell.moving_audit', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only: % of % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

-- Row triggers of a partitioned table are every partition's, those to come too. Those of whole statements are not.
CREATE TRIGGER audit_events_keep BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION swell_refuse_audit_change();
CREATE TRIGGER audit_events_keep_all BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION swell_refuse_audit_change();

DO $$
DECLARE
    partition_name text;
BEGIN
    FOR partition_name IN
        SELECT i.inhrelid::regclass::text FROM pg_inherits i WHERE i.inhparent = 'audit_events'::regclass
    LOOP
        EXECUTE format(
            'CREATE TRIGGER audit_events_keep_all BEFORE TRUNCATE ON %s'
            ' FOR EACH STATEMENT EXECUTE FUNCTION swell_refuse_audit_change()', partition_name);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION swell_prepare_audit_partitions(months integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    this_month timestamp := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC');
    month_start timestamptz;
    month_end timestamptz;
    partition_name text;
    made integer := 0;
BEGIN
    FOR step IN 0..months LOOP
        month_start := (this_month + make_interval(months => step)) AT TIME ZONE 'UTC';
        month_end := (this_month + make_interval(months => step + 1)) AT TIME ZONE 'UTC';
        partition_name := 'audit_events_' || to_char(month_start AT TIME ZONE 'UTC', 'YYYYMM');
        CONTINUE WHEN to_regclass(partition_name) IS NOT NULL;
        LOCK TABLE audit_events IN SHARE ROW EXCLUSIVE MODE;
        EXECUTE format('CREATE TABLE %I (LIKE audit_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition_name);
        -- Set here and not by the function's own SET, which PostgreSQL leaves to superusers.
        PERFORM set_config('swell.moving_audit', 'on', true);
        EXECUTE format(
            'WITH moved AS (DELETE FROM audit_events_default WHERE at >= %L AND at < %L RETURNING *)'
            ' INSERT INTO %I SELECT * FROM moved', month_start, month_end, partition_name);
        PERFORM set_config('swell.moving_audit', 'off', true);
        EXECUTE format(
            'ALTER TABLE audit_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            partition_name, month_start, month_end);
        EXECUTE format(
            'CREATE TRIGGER audit_events_keep_all BEFORE TRUNCATE ON %I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION swell_refuse_audit_change()', partition_name);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
