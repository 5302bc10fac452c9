-- Alerts, and for each webhook that wants one how far its delivery is.  The id is what makes an alert be told once, so
-- rows stay for longer than any period lasts.
CREATE TABLE alerts (
    id text PRIMARY KEY,
    place bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    kind text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    tenant text,
    subject text NOT NULL,
    text text NOT NULL,
    facts jsonb NOT NULL,
    at timestamptz NOT NULL,
    arrived_at timestamptz NOT NULL,
    routed_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text
);
CREATE INDEX alerts_tenant ON alerts (tenant, place);
CREATE INDEX alerts_unrouted ON alerts (place) WHERE routed_at IS NULL;

CREATE TABLE alert_deliveries (
    alert text NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    webhook text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'given_up')),
    attempts integer NOT NULL DEFAULT 0,
    first_at timestamptz,
    next_at timestamptz NOT NULL,
    ended_at timestamptz,
    last_status integer,
    last_error text,
    PRIMARY KEY (alert, webhook)
);
CREATE INDEX alert_deliveries_open ON alert_deliveries (webhook, next_at) WHERE state <> 'delivered';
