-- By what price an exchange can be priced anew: NULL for views that do not keep it, and for all series from before.
ALTER TABLE rollup_series ADD COLUMN pricing text;

-- A day or month that an older release closes while this one runs beside it lacks what came since: it is not believed.
ALTER TABLE rollup_closed ADD COLUMN version smallint NOT NULL DEFAULT 1;
UPDATE rollup_closed SET version = 2;
CREATE VIEW rollup_whole AS SELECT grain, at FROM rollup_closed WHERE version = 2;
