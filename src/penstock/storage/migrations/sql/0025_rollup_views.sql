-- Sums of each view in a table of its own: a page reads those of one view and a span of time, which lay among the rows
-- of all others before.  A new view needs a partition of each of these tables; `penstock.watch.rollups.views` has them.
DO $$
DECLARE
    name text;
    number integer;
    part text;
BEGIN
    FOREACH name IN ARRAY ARRAY['rollup_minutes', 'rollup_hours', 'rollup_days', 'rollup_months'] LOOP
        EXECUTE 'ALTER TABLE ' || name || ' RENAME TO rollup_before';
        EXECUTE 'ALTER TABLE rollup_before DROP CONSTRAINT ' || name || '_pkey';
        EXECUTE 'CREATE TABLE ' || name || ' (LIKE rollup_before) PARTITION BY LIST (view)';
        FOR number IN 0..8 LOOP
            part := name || '_' || number;
            EXECUTE 'CREATE TABLE ' || part || ' PARTITION OF ' || name || ' FOR VALUES IN (' || number || ')';
            -- Those of minutes and hours change many times: room on each page for the next version of a row.
            IF name IN ('rollup_minutes', 'rollup_hours') THEN
                EXECUTE 'ALTER TABLE ' || part || ' SET (fillfactor = 70)';
            END IF;
            EXECUTE 'INSERT INTO ' || part || ' SELECT * FROM rollup_before WHERE view = ' || number
                || ' ORDER BY at, series';
        END LOOP;
        -- Indexes when the rows are there; one of the time alone suffices within a view.
        EXECUTE 'ALTER TABLE ' || name || ' ADD PRIMARY KEY (series, at, view)';
        EXECUTE 'CREATE INDEX ' || name || '_at ON ' || name || ' (at)';
        DROP TABLE rollup_before;
    END LOOP;
END $$;
