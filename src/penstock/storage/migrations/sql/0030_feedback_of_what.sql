-- When the exchange began that a verdict is about, and whether a model or a cache completed what a caller had asked for:
-- written beside it when it is placed, since facts of exchanges that lie anywhere in the ledger take long to read.
ALTER TABLE feedback ADD COLUMN began timestamptz, ADD COLUMN is_answer boolean;
UPDATE feedback AS f SET began = l.started_at,
    is_answer = l.outcome = 'completed' AND NOT l.facts @> '[{"fact": "summarised"}]'
        AND NOT jsonb_path_exists(l.facts, '$[*] ? (@.fact == "fell_back" && @.targets.size() == 0)')
    FROM ledger AS l WHERE f.place IS NOT NULL AND l.id = f.exchange AND l.tenant = f.tenant;
CREATE INDEX feedback_bad ON feedback (began) INCLUDE (tenant, model, exchange) WHERE verdict = 'bad' AND is_answer;
