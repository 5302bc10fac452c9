-- What the processes of a fleet tell each other of targets: what penstock.admission.fleet.board describes.  Times are
-- this server's, in Unix seconds.  Small rows that change often: room on each page keeps changes off the indexes.
CREATE TABLE fleet_targets (
    target text PRIMARY KEY,
    stamp text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'closed')),
    changed_at double precision NOT NULL,
    open_until double precision NOT NULL,
    openings integer NOT NULL,
    reason text NOT NULL,
    process text NOT NULL,
    place text NOT NULL,
    is_ordered boolean NOT NULL
) WITH (fillfactor = 50);

-- Said again every second or two, so nothing is lost where a crash empties it.
CREATE UNLOGGED TABLE fleet_processes (
    process text PRIMARY KEY,
    seen_at double precision NOT NULL,
    place text NOT NULL,
    targets text[] NOT NULL
) WITH (fillfactor = 50);

-- One report of one process, in one transaction.  Findings are taken in the order of their targets, so two reports never
-- wait for each other in a circle.
CREATE FUNCTION meet_fleet(
    the_process text, the_place text, its_targets text[], is_leaving boolean, silent_s double precision,
    findings jsonb, kept_s double precision, most_states integer
) RETURNS TABLE (states jsonb, members jsonb)
LANGUAGE plpgsql AS $$
DECLARE
    moment double precision := extract(epoch FROM clock_timestamp());
    taken integer;
BEGIN
    IF is_leaving THEN
        DELETE FROM fleet_processes AS p WHERE p.process = the_process;
    ELSIF the_process <> '' THEN
        INSERT INTO fleet_processes AS p (process, seen_at, place, targets)
        VALUES (the_process, moment, the_place, its_targets)
        ON CONFLICT (process) DO UPDATE
        SET seen_at = excluded.seen_at, place = excluded.place, targets = excluded.targets;
    END IF;
    IF jsonb_array_length(findings) > 0 THEN
        INSERT INTO fleet_targets AS t
        SELECT f.target, f.stamp, f.state, moment - f.age_s, moment + f.left_s, f.openings, f.reason,
            the_process, the_place, f.is_ordered
        FROM jsonb_to_recordset(findings) AS f (
            target text, stamp text, after text, state text, age_s double precision, left_s double precision,
            openings integer, reason text, is_ordered boolean
        )
        ORDER BY f.target
        ON CONFLICT (target) DO UPDATE
        SET stamp = excluded.stamp, state = excluded.state, changed_at = excluded.changed_at,
            open_until = excluded.open_until, openings = excluded.openings, reason = excluded.reason,
            process = excluded.process, place = excluded.place, is_ordered = excluded.is_ordered
        WHERE excluded.is_ordered OR (
            NOT (t.is_ordered AND t.state = 'open' AND t.open_until > moment)
            AND (
                t.changed_at <= excluded.changed_at
                OR t.changed_at > moment
                OR EXISTS (
                    SELECT FROM jsonb_to_recordset(findings) AS f (stamp text, after text)
                    WHERE f.stamp = excluded.stamp AND f.after = t.stamp
                )
            )
        );
        GET DIAGNOSTICS taken = ROW_COUNT;
        IF taken > 0 THEN
            PERFORM pg_notify('penstock_fleet', '');
        END IF;
        -- What nobody will ask for again, now and then.
        DELETE FROM fleet_targets WHERE target IN (
            SELECT t.target FROM fleet_targets AS t
            WHERE greatest(t.changed_at, t.open_until) < moment - kept_s FOR UPDATE SKIP LOCKED
        );
        DELETE FROM fleet_processes WHERE process IN (
            SELECT p.process FROM fleet_processes AS p WHERE p.seen_at < moment - kept_s FOR UPDATE SKIP LOCKED
        );
    END IF;
    RETURN QUERY SELECT
        (
            SELECT coalesce(jsonb_agg(standing), '[]') FROM (
                SELECT t.target, t.stamp, t.state, moment - t.changed_at AS age_s, t.open_until - moment AS left_s,
                    t.openings, t.reason, t.process, t.place, t.is_ordered
                FROM fleet_targets AS t
                WHERE greatest(t.changed_at, t.open_until) >= moment - kept_s
                ORDER BY t.changed_at DESC LIMIT most_states
            ) AS standing
        ),
        (
            SELECT coalesce(jsonb_agg(living), '[]') FROM (
                SELECT p.process, p.place, p.targets FROM fleet_processes AS p
                WHERE abs(moment - p.seen_at) <= silent_s
            ) AS living
        );
END
$$;
