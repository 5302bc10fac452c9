-- As before, but that the share of a process which takes leave of a counter stays, with nothing in it: its batch tells a
-- message from before, which must come to nothing, from one that came since.  It goes with the counter, or once it is silent.
CREATE OR REPLACE FUNCTION lease_limits(
    the_lease text, the_batch bigint, starving_s double precision, claim_s double precision,
    longest_step_s double precision, asks jsonb
) RETURNS TABLE (at double precision, place integer, held bigint, granted bigint, used bigint, is_starving boolean, due integer)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    ask record;
    c limit_counters;
    s limit_shares;
    gone record;
    room bigint;
    grant_ bigint;
    due_ integer;
BEGIN
    FOR ask IN
        SELECT * FROM jsonb_to_recordset(asks) AS a(
            place integer, key text, amount bigint, keep bigint, used bigint, least bigint, need bigint, ahead bigint,
            expires_s bigint, hold_s bigint, crossed integer, confirmed integer, is_final boolean)
        ORDER BY a.key
    LOOP
        at := extract(epoch FROM clock_timestamp());
        INSERT INTO limit_counters (key, asked_at) VALUES (ask.key, at) ON CONFLICT DO NOTHING;
        SELECT * INTO c FROM limit_counters WHERE key = ask.key FOR UPDATE;
        at := extract(epoch FROM clock_timestamp());
        c.age_s := c.age_s + least(greatest(at - c.asked_at, 0), longest_step_s);
        c.asked_at := at;
        SELECT * INTO s FROM limit_shares WHERE key = ask.key AND lease = the_lease;
        IF NOT FOUND THEN
            s.held := 0; s.used := 0; s.batch := 0;
        END IF;
        due_ := 0;
        IF the_batch > s.batch THEN
            c.granted := c.granted + ask.keep - s.held;
            c.used := c.used + ask.used - s.used;
            c.expires_at := greatest(c.expires_at, at + ask.expires_s);
            IF ask.hold_s > 0 THEN
                FOR gone IN
                    DELETE FROM limit_shares
                    WHERE key = ask.key AND lease <> the_lease AND seen_age_s < c.age_s - ask.hold_s
                    RETURNING held, used
                LOOP
                    c.granted := c.granted - gone.held;
                    c.used := c.used - gone.used;
                END LOOP;
            END IF;
            room := greatest(0, ask.amount - c.granted);
            grant_ := 0;
            IF ask.least > 0 THEN
                IF room >= ask.least THEN
                    grant_ := least(room, ask.need);
                ELSE
                    c.starved_age_s := c.age_s;
                END IF;
            END IF;
            IF c.starved_age_s <= c.age_s - starving_s THEN
                grant_ := grant_ + least(ask.ahead, (room - grant_) / 4);
            END IF;
            c.granted := c.granted + grant_;
            s.held := ask.keep + grant_;
            c.confirmed := c.confirmed | ask.confirmed;
            due_ := ask.crossed & ~c.confirmed;
            IF due_ <> 0 THEN
                IF c.claimer NOT IN ('', the_lease) AND c.claimed_age_s > c.age_s - claim_s THEN
                    due_ := 0;
                ELSE
                    c.claimer := the_lease;
                    c.claimed_age_s := c.age_s;
                END IF;
            END IF;
            INSERT INTO limit_shares (key, lease, held, used, batch, seen_age_s)
            VALUES (
                ask.key, the_lease, CASE WHEN ask.is_final THEN 0 ELSE s.held END,
                CASE WHEN ask.is_final THEN 0 ELSE ask.used END, the_batch, c.age_s)
            ON CONFLICT (key, lease) DO UPDATE
            SET held = excluded.held, used = excluded.used, batch = excluded.batch, seen_age_s = excluded.seen_age_s;
        END IF;
        UPDATE limit_counters
        SET granted = c.granted, used = c.used, asked_at = c.asked_at, age_s = c.age_s, starved_age_s = c.starved_age_s,
            claimed_age_s = c.claimed_age_s, expires_at = c.expires_at, confirmed = c.confirmed, claimer = c.claimer
        WHERE key = ask.key;
        place := ask.place; held := s.held; granted := c.granted; used := c.used;
        is_starving := c.starved_age_s > c.age_s - starving_s;
        due := due_;
        RETURN NEXT;
    END LOOP;
END $$;
