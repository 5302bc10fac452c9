-- Answers held back for people: what penstock.review describes.  Times are Unix seconds of the processes that wrote
-- them.  The queue is one narrow table, since it is what is looked through; texts lie beside it.
CREATE TABLE holds (
    id text PRIMARY KEY,
    exchange text NOT NULL,
    tenant text NOT NULL,
    model text NOT NULL,
    key text NOT NULL,
    "user" text,
    conversation text,
    language text NOT NULL,
    rule text NOT NULL,
    reason text NOT NULL,
    "group" text NOT NULL,
    priority smallint NOT NULL CHECK (priority BETWEEN 0 AND 9),
    -- The most urgent first in the same direction as all else that is sorted by, so that a page is one stretch.
    rank smallint NOT NULL GENERATED ALWAYS AS (9 - priority) STORED,
    confidence double precision,
    created_at double precision NOT NULL,
    due_at double precision NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (
        state IN ('waiting', 'claimed', 'approved', 'edited', 'rejected', 'taken_over', 'expired')),
    version integer NOT NULL DEFAULT 1,
    claimed_by text,
    claimed_until double precision,
    ended_at double precision,
    ended_by text,
    -- Steps for when it is overdue, the next first, and when that one is due; NULL where none is left.
    overdue jsonb NOT NULL DEFAULT '[]',
    tick_at double precision,
    -- Whether somebody else is asked too, who is at it, and when that was done.
    is_sampled boolean NOT NULL DEFAULT false,
    -- The documents that the answer was made from, by their numbers: who may read all of them may see it.  0 is one that
    -- never was.
    documents bigint[] NOT NULL DEFAULT '{}',
    second_by text,
    second_until double precision,
    second_at double precision,
    CHECK ((state = 'claimed') = (claimed_by IS NOT NULL)),
    CHECK ((claimed_by IS NULL) = (claimed_until IS NULL)),
    CHECK ((ended_at IS NULL) = (state IN ('waiting', 'claimed'))),
    CHECK (tick_at IS NULL OR ended_at IS NULL)
);
-- What is open, most urgent first: of everybody, of a tenant, of a group.
CREATE INDEX holds_open ON holds (rank, due_at, id) WHERE ended_at IS NULL;
CREATE INDEX holds_open_tenant ON holds (tenant, rank, due_at, id) WHERE ended_at IS NULL;
CREATE INDEX holds_open_group ON holds (tenant, "group", rank, due_at, id) WHERE ended_at IS NULL;
-- What there was, the newest first.
CREATE INDEX holds_created ON holds (created_at DESC, id DESC);
CREATE INDEX holds_created_tenant ON holds (tenant, created_at DESC, id DESC);
CREATE INDEX holds_created_group ON holds (tenant, "group", created_at DESC, id DESC);
CREATE INDEX holds_state ON holds (state, created_at DESC, id DESC);
CREATE INDEX holds_created_state ON holds (tenant, state, created_at DESC, id DESC);
CREATE INDEX holds_created_model ON holds (tenant, model, created_at DESC, id DESC);
CREATE INDEX holds_created_rule ON holds (tenant, rule, created_at DESC, id DESC);
-- What few have in common is looked up and sorted.
CREATE INDEX holds_exchange ON holds (exchange);
CREATE INDEX holds_user ON holds (tenant, "user") WHERE "user" IS NOT NULL;
CREATE INDEX holds_conversation ON holds (tenant, conversation) WHERE conversation IS NOT NULL;
CREATE INDEX holds_claimed ON holds (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX holds_tick ON holds (tick_at) WHERE tick_at IS NOT NULL;
CREATE INDEX holds_second ON holds (tenant, "group", ended_at)
    WHERE is_sampled AND second_at IS NULL AND ended_at IS NOT NULL;
CREATE INDEX holds_ended ON holds (ended_at) WHERE ended_at IS NOT NULL;

-- All of it in masked space: personal data stands there as tokens, which the vault alone can read.
CREATE TABLE hold_contents (
    hold text PRIMARY KEY REFERENCES holds ON DELETE CASCADE,
    question jsonb NOT NULL,
    answer text NOT NULL,
    sources jsonb NOT NULL,
    verdicts jsonb NOT NULL,
    hand_over text NOT NULL,
    cache_key text,
    cache_partition text,
    sealed text,
    released text
);

-- What happened to a hold; nothing in it is ever changed, and it goes only with the hold.
CREATE TABLE hold_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hold text NOT NULL REFERENCES holds ON DELETE CASCADE,
    at double precision NOT NULL,
    actor text NOT NULL,
    kind text NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL
);
CREATE INDEX hold_events_hold ON hold_events (hold, id);

CREATE FUNCTION hold_events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('penstock.erasing', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'what happened to a hold is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER hold_events_stay BEFORE UPDATE OR DELETE ON hold_events
    FOR EACH ROW EXECUTE FUNCTION hold_events_stay();
CREATE TRIGGER hold_events_stay_all BEFORE TRUNCATE ON hold_events
    FOR EACH STATEMENT EXECUTE FUNCTION hold_events_stay();

-- What is for the one who asked: a released answer, or what a person wrote who took over.  Written under a lock, so
-- that places are in the order of commits.
CREATE TABLE hold_releases (
    place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hold text NOT NULL REFERENCES holds ON DELETE CASCADE,
    at double precision NOT NULL,
    author text NOT NULL,
    text text NOT NULL,
    is_message boolean NOT NULL,
    is_routed boolean NOT NULL DEFAULT false
);
CREATE INDEX hold_releases_hold ON hold_releases (hold, place);
CREATE INDEX hold_releases_unrouted ON hold_releases (place) WHERE NOT is_routed;

CREATE TABLE hold_deliveries (
    release bigint NOT NULL REFERENCES hold_releases ON DELETE CASCADE,
    webhook text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'given_up')),
    attempts integer NOT NULL DEFAULT 0,
    first_at double precision,
    next_at double precision NOT NULL,
    ended_at double precision,
    last_status integer,
    last_error text,
    PRIMARY KEY (release, webhook)
);
CREATE INDEX hold_deliveries_due ON hold_deliveries (webhook, next_at) WHERE state = 'waiting';

-- What each reviewer found; at most one of a hold is the decision, and at most one the blind second.
CREATE TABLE hold_opinions (
    hold text NOT NULL REFERENCES holds ON DELETE CASCADE,
    reviewer text NOT NULL,
    is_second boolean NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('approved', 'edited', 'rejected', 'taken_over')),
    reasons text[] NOT NULL,
    comment text NOT NULL,
    at double precision NOT NULL,
    PRIMARY KEY (hold, reviewer)
);
CREATE UNIQUE INDEX hold_opinions_once ON hold_opinions (hold, is_second);
CREATE INDEX hold_opinions_at ON hold_opinions (at);

CREATE TABLE hold_cases (
    place bigint GENERATED ALWAYS AS IDENTITY,
    hold text PRIMARY KEY REFERENCES holds ON DELETE CASCADE,
    tenant text NOT NULL,
    created_at double precision NOT NULL,
    created_by text NOT NULL,
    expected text,
    why text NOT NULL
);
CREATE UNIQUE INDEX hold_cases_place ON hold_cases (place);

-- Answers that are to enter a cache as verified.
CREATE TABLE hold_verified (
    hold text PRIMARY KEY REFERENCES holds ON DELETE CASCADE,
    wanted_at double precision NOT NULL,
    next_at double precision NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    entered_at double precision
);
CREATE INDEX hold_verified_next ON hold_verified (next_at) WHERE entered_at IS NULL;

-- Who is in a group of reviewers: `key:` or `user:` and the id.
CREATE TABLE hold_members (
    tenant text NOT NULL,
    "group" text NOT NULL,
    member text NOT NULL,
    PRIMARY KEY (tenant, "group", member)
);
CREATE INDEX hold_members_member ON hold_members (tenant, member);

-- Whose were erased, so that what still lay in a process's outbox does not come back.  Without a user it is the tenant.
CREATE TABLE hold_erasures (
    place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at double precision NOT NULL,
    tenant text NOT NULL,
    "user" text
);
CREATE INDEX hold_erasures_tenant ON hold_erasures (tenant);

-- What people say of an answer in more than a verdict: a rating, a better answer, a text.  Masked like the above.
CREATE TABLE remarks (
    tenant text NOT NULL,
    exchange text NOT NULL,
    key text NOT NULL,
    "user" text NOT NULL,
    rating smallint CHECK (rating BETWEEN 1 AND 5),
    correction text,
    comment text,
    at double precision NOT NULL,
    PRIMARY KEY (tenant, exchange, key, "user")
);
CREATE INDEX remarks_at ON remarks (at DESC, exchange DESC);
CREATE INDEX remarks_tenant ON remarks (tenant, at DESC, exchange DESC);
CREATE INDEX remarks_exchange ON remarks (exchange);
