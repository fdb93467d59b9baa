-- What a service needs whose role owns nothing (`swell-coordinator migrate --service-role`): it neither makes nor drops partitions of the
-- audit log itself. The functions that do run as the owner of the tables, and do no more than their names say: their search path holds
-- nothing that the caller could have put there, and every table is named with its schema.

-- For how long months of the audit log are kept whatever a replica asks for. The owner's to change.
CREATE TABLE audit_retention (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    keep interval NOT NULL DEFAULT interval '90 days' CHECK (keep >= interval '1 month')
);
INSERT INTO audit_retention DEFAULT VALUES;

DO $outer$
DECLARE
    schema_name text := quote_ident(current_schema());
BEGIN
    DROP FUNCTION swell_prepare_audit_partitions(integer);

    -- As before, for a year ahead at most, moving rows past the trigger that keeps the log, and keeping new partitions from TRUNCATE.
    EXECUTE replace($create$
        CREATE FUNCTION @.swell_prepare_audit_partitions(months integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
            SET search_path = pg_catalog, pg_temp AS $body$
        DECLARE
            this_month timestamp := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC');
            month_start timestamptz;
            month_end timestamptz;
            partition_name text;
            made integer := 0;
        BEGIN
            IF months IS NULL OR months NOT BETWEEN 0 AND 12 THEN
                RAISE EXCEPTION 'partitions are made for up to 12 months ahead, not %', months USING ERRCODE = 'insufficient_privilege';
            END IF;
            FOR step IN 0..months LOOP
                month_start := (this_month + make_interval(months => step)) AT TIME ZONE 'UTC';
                month_end := (this_month + make_interval(months => step + 1)) AT TIME ZONE 'UTC';
                partition_name := 'audit_events_' || to_char(month_start AT TIME ZONE 'UTC', 'YYYYMM');
                CONTINUE WHEN to_regclass('@.' || partition_name) IS NOT NULL;
                LOCK TABLE @.audit_events IN SHARE ROW EXCLUSIVE MODE;
                EXECUTE format('CREATE TABLE @.%I (LIKE @.audit_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition_name);
                PERFORM set_config('swell.moving_audit', 'on', true);
                EXECUTE format(
                    'WITH moved AS (DELETE FROM @.audit_events_default WHERE at >= %L AND at < %L RETURNING *)'
                    ' INSERT INTO @.%I SELECT * FROM moved', month_start, month_end, partition_name);
                PERFORM set_config('swell.moving_audit', 'off', true);
                EXECUTE format(
                    'ALTER TABLE @.audit_events ATTACH PARTITION @.%I FOR VALUES FROM (%L) TO (%L)',
                    partition_name, month_start, month_end);
                EXECUTE format(
                    'CREATE TRIGGER audit_events_keep_all BEFORE TRUNCATE ON @.%I'
                    ' FOR EACH STATEMENT EXECUTE FUNCTION @.swell_refuse_audit_change()', partition_name);
                made := made + 1;
            END LOOP;
            RETURN made;
        END $body$
    $create$, '@', schema_name);

    -- Drops the partition of one month of the audit log; returns how many rows it had, or null where an active rollout is told of in it.
    EXECUTE replace($create$
        CREATE FUNCTION @.swell_drop_audit_partition(partition_name text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
            SET search_path = pg_catalog, pg_temp AS $body$
        DECLARE
            total bigint;
            needed bigint;
        BEGIN
            IF partition_name !~ '^audit_events_[0-9]{6}$' OR NOT EXISTS (
                SELECT 1 FROM pg_inherits i
                WHERE i.inhparent = '@.audit_events'::regclass AND i.inhrelid = to_regclass('@.' || partition_name))
            THEN
                RAISE EXCEPTION '% is no partition of the audit log', partition_name USING ERRCODE = 'insufficient_privilege';
            END IF;
            IF (to_date(right(partition_name, 6), 'YYYYMM') + interval '1 month') AT TIME ZONE 'UTC'
                > clock_timestamp() - (SELECT keep FROM @.audit_retention)
            THEN
                RAISE EXCEPTION '% is too young to be dropped', partition_name USING ERRCODE = 'insufficient_privilege';
            END IF;
            EXECUTE format(
                'SELECT count(*), count(*) FILTER ('
                ' WHERE EXISTS (SELECT 1 FROM @.rollouts r WHERE r.name = e.rollout AND NOT r.is_ended)) FROM @.%I e',
                partition_name) INTO total, needed;
            IF needed > 0 THEN RETURN NULL; END IF;
            EXECUTE format('DROP TABLE @.%I', partition_name);
            RETURN total;
        END $body$
    $create$, '@', schema_name);

    REVOKE EXECUTE ON FUNCTION swell_prepare_audit_partitions(integer), swell_drop_audit_partition(text) FROM PUBLIC;

    -- Who does not own the log says only what happens now: nothing of the past, and nothing that followers would never see.
    EXECUTE replace($create$
        CREATE FUNCTION @.swell_check_audit_row() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
            SET search_path = pg_catalog, pg_temp AS $body$
        BEGIN
            IF pg_has_role(session_user, current_user, 'USAGE') THEN RETURN NEW; END IF;
            IF NEW.at NOT BETWEEN @.swell_now() - interval '1 hour' AND @.swell_now() + interval '1 hour' THEN
                RAISE EXCEPTION 'the audit log takes what happens now, not what happened at %', NEW.at
                    USING ERRCODE = 'insufficient_privilege';
            END IF;
            IF NEW.id <= 0 THEN
                RAISE EXCEPTION 'the audit log takes rows with numbers of the counter, not %', NEW.id
                    USING ERRCODE = 'insufficient_privilege';
            END IF;
            RETURN NEW;
        END $body$
    $create$, '@', schema_name);
    CREATE TRIGGER audit_events_now BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION swell_check_audit_row();
END $outer$;
