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
