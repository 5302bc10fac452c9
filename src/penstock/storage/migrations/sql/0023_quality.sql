-- How good answers were: what penstock.watch.quality describes.  Nothing here is text of a caller or a model.

-- Exchanges whose contents have come and that nobody has looked at yet; `at` is when they came, in Unix seconds.
CREATE TABLE quality_queue (
    exchange text COLLATE "C" PRIMARY KEY,
    at double precision NOT NULL
);

-- One row for each answer that was looked at (`check` is answer), and one for each check that found something.  Scores
-- are thousandths.  An answer that is here is never looked at again.
CREATE TABLE quality_scores (
    exchange text COLLATE "C" NOT NULL,
    "check" text NOT NULL,
    tenant text NOT NULL,
    assistant text NOT NULL,
    release text NOT NULL,
    target text NOT NULL,
    at timestamptz NOT NULL,
    score smallint NOT NULL CHECK (score BETWEEN 0 AND 1000),
    verdict text NOT NULL,
    PRIMARY KEY (exchange, "check")
);
CREATE INDEX quality_scores_at ON quality_scores (at);
CREATE INDEX quality_scores_worst ON quality_scores ("check", at) INCLUDE (score, tenant, assistant)
    WHERE "check" IN ('answer', 'judge') AND score < 1000;

-- Their sums by the hour of the exchange, written with them; `squares` are of thousandths.
CREATE TABLE quality_hours (
    "check" text NOT NULL,
    at timestamptz NOT NULL,
    tenant text NOT NULL,
    assistant text NOT NULL,
    release text NOT NULL,
    target text NOT NULL,
    verdict text NOT NULL,
    answers bigint NOT NULL,
    passed bigint NOT NULL,
    scores bigint NOT NULL,
    squares bigint NOT NULL,
    PRIMARY KEY ("check", at, tenant, assistant, release, target, verdict)
);

-- How long an assistant's answers usually are: mean and sum of squared deviations of the logarithm of their characters.
CREATE TABLE quality_lengths (
    assistant text PRIMARY KEY,
    answers bigint NOT NULL,
    mean double precision NOT NULL,
    variance double precision NOT NULL
);

-- Answers that a model is asked about, each once: a row is `asked`, with the most that it may cost (`reserved_nanousd`,
-- of `day`), before the call is made.  `by` is the exchange that the call was; its cost in the ledger takes the place of
-- what was reserved.
CREATE TABLE quality_judged (
    exchange text COLLATE "C" PRIMARY KEY,
    at double precision NOT NULL,
    state text NOT NULL,
    by text,
    day date,
    reserved_nanousd bigint NOT NULL DEFAULT 0,
    is_settled boolean NOT NULL DEFAULT false
);
CREATE INDEX quality_judged_at ON quality_judged (at);
CREATE INDEX quality_judged_waiting ON quality_judged (exchange) WHERE state = 'waiting';
CREATE INDEX quality_judged_unsettled ON quality_judged (at) WHERE by IS NOT NULL AND NOT is_settled;

-- What judging may have cost, by the day (UTC): what is under way counts as the most that it can cost.
CREATE TABLE quality_spent (
    day date PRIMARY KEY,
    nanousd bigint NOT NULL,
    calls bigint NOT NULL
);

-- What applications say became of conversations: what penstock.core.happenings.Happening describes.
CREATE TABLE happenings (
    tenant text NOT NULL,
    id text NOT NULL,
    key text NOT NULL,
    "user" text NOT NULL,
    kind text NOT NULL,
    exchange text,
    conversation text,
    value_nanousd bigint,
    satisfaction smallint CHECK (satisfaction BETWEEN 0 AND 1000),
    at double precision NOT NULL,
    is_placed boolean NOT NULL DEFAULT false,
    assistant text,
    release text,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX happenings_waiting ON happenings (at) WHERE NOT is_placed;
CREATE INDEX happenings_at ON happenings (at);

CREATE TABLE happening_hours (
    kind text NOT NULL,
    at timestamptz NOT NULL,
    tenant text NOT NULL,
    assistant text NOT NULL,
    release text NOT NULL,
    events bigint NOT NULL,
    valued bigint NOT NULL,
    value_nanousd numeric(38) NOT NULL,
    rated bigint NOT NULL,
    satisfaction bigint NOT NULL,
    PRIMARY KEY (kind, at, tenant, assistant, release)
);

-- Credentials that were refused, and sign-ins, by the hour: nobody knows whose they were.
CREATE TABLE refused_credentials (
    at timestamptz NOT NULL,
    place text NOT NULL,
    reason text NOT NULL,
    amount bigint NOT NULL,
    PRIMARY KEY (at, place, reason)
);
