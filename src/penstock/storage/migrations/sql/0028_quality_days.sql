-- Sums of what was found of answers, by fewer dimensions too and of whole days and months, as the sums of exchanges are:
-- nearly every answer of an hour has a row of its own where they are kept by all of tenant, assistant, release and target.
-- `view` says which of these a row is of, the others are ''; `penstock.watch.quality.sums` has them.
ALTER TABLE quality_hours ADD COLUMN view smallint;
UPDATE quality_hours SET view = 4;
ALTER TABLE quality_hours ALTER COLUMN view SET NOT NULL;
ALTER TABLE quality_hours DROP CONSTRAINT quality_hours_pkey;
INSERT INTO quality_hours (view, "check", at, tenant, assistant, release, target, verdict, answers, passed, scores, squares)
    SELECT CASE WHEN grouping(assistant) = 0 THEN 1 WHEN grouping(target) = 0 THEN 2 ELSE 3 END, "check", at,
        coalesce(tenant, ''), coalesce(assistant, ''), coalesce(release, ''), coalesce(target, ''), verdict,
        sum(answers), sum(passed), sum(scores), sum(squares)
    FROM quality_hours GROUP BY "check", at, verdict, GROUPING SETS ((assistant, release), (target), (tenant));
ALTER TABLE quality_hours
    ADD PRIMARY KEY (view, "check", at, tenant, assistant, release, target, verdict);
CREATE INDEX quality_hours_at ON quality_hours (view, at);
CREATE INDEX quality_hours_tenant ON quality_hours (tenant, at) WHERE view = 4;

CREATE TABLE quality_days (LIKE quality_hours INCLUDING ALL);
CREATE TABLE quality_months (LIKE quality_hours INCLUDING ALL);
INSERT INTO quality_days (view, "check", at, tenant, assistant, release, target, verdict, answers, passed, scores, squares)
    SELECT view, "check", w.at, tenant, assistant, release, target, verdict, sum(answers), sum(passed), sum(scores),
        sum(squares)
    FROM quality_hours AS h JOIN rollup_whole AS w ON w.grain = 'day' AND w.at = date_trunc('day', h.at, 'UTC')
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
INSERT INTO quality_months (view, "check", at, tenant, assistant, release, target, verdict, answers, passed, scores, squares)
    SELECT view, "check", w.at, tenant, assistant, release, target, verdict, sum(answers), sum(passed), sum(scores),
        sum(squares)
    FROM quality_days AS d JOIN rollup_whole AS w ON w.grain = 'month' AND w.at = date_trunc('month', d.at, 'UTC')
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;

-- What an older release closes beside this one has none of them.
CREATE OR REPLACE VIEW rollup_whole AS SELECT grain, at FROM rollup_closed WHERE version = 3;
UPDATE rollup_closed SET version = 3 WHERE version = 2;
