-- What was said, kept on request: what penstock.memory describes.  `holder` is `user:` or `key:` and who; times are Unix
-- seconds of the processes that wrote them, but for `turn_until`, which is the database's own, since processes that
-- wait for each other must have one clock.  What callers and models said lies in `sealed` and `metadata`, which only the
-- installation's key opens.
CREATE TABLE memory_conversations (
    id text PRIMARY KEY,
    tenant text NOT NULL,
    holder text NOT NULL,
    created_at double precision NOT NULL,
    expires_at double precision NOT NULL,
    metadata text NOT NULL,
    -- The exchange that is a turn of it at this moment, and until when that counts if nobody says more.
    turn_by text,
    turn_until double precision,
    CHECK ((turn_by IS NULL) = (turn_until IS NULL))
);
CREATE INDEX memory_conversations_holder ON memory_conversations (tenant, holder);
CREATE INDEX memory_conversations_expires_at ON memory_conversations (expires_at);

-- A turn is the answer's response with what was asked; `place` is the order within a conversation.
CREATE TABLE memory_turns (
    place bigint GENERATED ALWAYS AS IDENTITY,
    id text PRIMARY KEY,
    tenant text NOT NULL,
    holder text NOT NULL,
    conversation text REFERENCES memory_conversations ON DELETE CASCADE,
    thread text NOT NULL,
    previous text,
    hold text,
    created_at double precision NOT NULL,
    expires_at double precision NOT NULL,
    size_bytes integer NOT NULL,
    sealed text NOT NULL
);
CREATE INDEX memory_turns_conversation ON memory_turns (conversation, place) WHERE conversation IS NOT NULL;
CREATE INDEX memory_turns_holder ON memory_turns (tenant, holder, place);
CREATE INDEX memory_turns_expires_at ON memory_turns (expires_at);

-- Which turns were written once: what comes out of a machine's outbox a second time must not bring back what was deleted.
CREATE TABLE memory_written (
    id text PRIMARY KEY,
    at double precision NOT NULL
);
CREATE INDEX memory_written_at ON memory_written (at);

-- Whose were erased, so that what was under way or lay in an outbox does not come back.  Without a holder it is the tenant.
CREATE TABLE memory_erasures (
    place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at double precision NOT NULL,
    tenant text NOT NULL,
    holder text
);
CREATE INDEX memory_erasures_tenant ON memory_erasures (tenant);
