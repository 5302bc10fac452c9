-- What the tokens of conversations stand for, sealed: what penstock.guard.personal.vault describes.  `key` is a digest of
-- whose and which conversation it is, `holder` `user:` or `key:` and who; times are Unix seconds of the processes that
-- wrote them.  A row that is written anew gets a new place, so that whoever reads on from a place sees it.
CREATE TABLE vault (
    place bigint GENERATED ALWAYS AS IDENTITY,
    version bigint NOT NULL,
    expires_at double precision NOT NULL,
    key bytea PRIMARY KEY,
    tenant text NOT NULL,
    holder text NOT NULL,
    key_id text NOT NULL,
    sealed bytea NOT NULL
);
CREATE INDEX vault_place ON vault (place);
CREATE INDEX vault_expires_at ON vault (expires_at);
CREATE INDEX vault_holder ON vault (tenant, holder);

-- Whose were erased, for processes that hold conversations in memory and for those that are about to write some.  Without
-- a holder it is the whole tenant.  Written under a lock on vault, so that places are in the order of commits.
CREATE TABLE vault_erasures (
    place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    tenant text NOT NULL,
    holder text
);
