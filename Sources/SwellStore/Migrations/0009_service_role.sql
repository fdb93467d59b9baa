-- What a service needs whose role owns nothing (`swell-coordinator migrate --service-role`): it neither makes nor drops partitions of the
-- audit log itself. These functions run as the owner of the tables, and do no more than their names say.

-- Drops the partition of one month of the audit log; returns how many rows it had, or null where an active rollout is told of in it.
CREATE FUNCTION swell_drop_audit_partition(partition_name text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    rows bigint;
    needed bigint;
BEGIN
    IF partition_name !~ '^audit_events_[0-9]{6}$' OR NOT EXISTS (
        SELECT 1 FROM pg_inherits i
        WHERE i.inhparent = 'audit_events'::regclass AND i.inhrelid = to_regclass(quote_ident(partition_name)))
    THEN
        RAISE EXCEPTION '% is no partition of the audit log', partition_name USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- Whatever retention was asked for: this month and the last one stay.
    IF to_date(right(partition_name, 6), 'YYYYMM') >= date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') - interval '1 month' THEN
        RAISE EXCEPTION '% is too young to be dropped', partition_name USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format(
        'SELECT count(*), count(*) FILTER ('
        ' WHERE EXISTS (SELECT 1 FROM rollouts r WHERE r.name = e.rollout AND NOT r.is_ended)) FROM %I e', partition_name)
        INTO rows, needed;
    IF needed > 0 THEN RETURN NULL; END IF;
    EXECUTE format('DROP TABLE %I', partition_name);
    RETURN rows;
END $$;

DO $$
DECLARE
    signature text;
BEGIN
    FOREACH signature IN ARRAY ARRAY['swell_prepare_audit_partitions(integer)', 'swell_drop_audit_partition(text)'] LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER', signature);
        -- Never a table or a function of the caller's choosing.
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', signature, current_schema());
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', signature);
    END LOOP;
END $$;
