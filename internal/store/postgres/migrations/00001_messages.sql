-- +goose Up
-- Times are Unix milliseconds where they are a message's, and timestamps of the
-- database's own clock where nodes are compared by them. "doc" columns are
-- records (package record) unless a table says otherwise. What belongs to a node
-- slot is keyed by slot and seq.

-- The row of a slot is the fence: every commit holds a share lock on it, and who
-- takes the slot over changes the epoch.
CREATE TABLE node (
    slot  smallint PRIMARY KEY CHECK (slot BETWEEN 0 AND 63),
    epoch bigint NOT NULL,
    name  text COLLATE "C" NOT NULL,
    until timestamptz, -- end of the lease; null: nobody has the slot
    since timestamptz  -- the lease was never missed since
) WITH (fillfactor = 50);

-- One row a slot and epoch, taken away and made anew with the next n by every
-- commit: that it is there says that commit n happened.
--
-- This, router and spend have rows that are written again with every commit. They
-- are not updated but replaced by a row with another key, which is found by it: the
-- dead versions of a row have to be stepped over by every commit for as long as a
-- dump or any other old snapshot keeps them.
CREATE TABLE last_commit (
    slot  smallint NOT NULL,
    epoch bigint NOT NULL,
    n     bigint NOT NULL,
    seq   bigint NOT NULL, -- last event of the slot
    id    bigint NOT NULL, -- largest message ID made by the slot
    PRIMARY KEY (slot, epoch, n)
);

CREATE TABLE holding (
    name text COLLATE "C" PRIMARY KEY,
    slot smallint -- of who holds it; null: nobody
);

-- How often something changed that nodes keep in memory: "resources/" with the
-- account, "holdings".
CREATE TABLE change_count (
    topic text COLLATE "C" PRIMARY KEY,
    n     bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE message (
    account text COLLATE "C" NOT NULL,
    id      bigint NOT NULL,
    doc     bytea NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE UNIQUE INDEX message_id ON message (id);

-- An open message is in exactly one of queued and awaiting. Rows come and go, so
-- what is dead is cleared often.
CREATE TABLE queued (
    id       bigint PRIMARY KEY,
    shard    text COLLATE "C" NOT NULL,
    lane     text COLLATE "C" NOT NULL,
    class    smallint NOT NULL,
    parts    smallint NOT NULL,
    due      bigint NOT NULL,
    expires  bigint NOT NULL,
    attempts integer NOT NULL,
    route    bytea
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_insert_scale_factor = 0.5, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX queued_shard ON queued (shard, id);

CREATE TABLE awaiting (
    id      bigint PRIMARY KEY,
    shard   text COLLATE "C" NOT NULL,
    expires bigint NOT NULL,
    doc     bytea NOT NULL
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_insert_scale_factor = 0.5, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE dispatch (
    slot    smallint NOT NULL,
    seq     bigint NOT NULL,
    carrier text COLLATE "C" NOT NULL,
    parts   bytea NOT NULL, -- keys
    PRIMARY KEY (slot, seq)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE event (
    slot    smallint NOT NULL,
    seq     bigint NOT NULL,
    msg     bigint NOT NULL,
    account text COLLATE "C" NOT NULL,
    cset    text COLLATE "C" NOT NULL,
    status  text COLLATE "C" NOT NULL,
    at      bigint NOT NULL,
    final   boolean NOT NULL,
    doc     bytea,
    PRIMARY KEY (slot, seq)
);
CREATE INDEX event_msg ON event (msg);

CREATE TABLE router (
    slot smallint NOT NULL,
    seq  bigint NOT NULL,
    PRIMARY KEY (slot, seq)
);

CREATE TABLE event_lag (
    destination text COLLATE "C" NOT NULL,
    slot        smallint NOT NULL,
    first       bigint NOT NULL,
    seqs        bytea NOT NULL, -- keys
    PRIMARY KEY (destination, slot, first)
);

CREATE TABLE receipt_parked (
    slot    smallint NOT NULL,
    seq     bigint NOT NULL,
    carrier text COLLATE "C" NOT NULL,
    at      bigint NOT NULL,
    doc     bytea, -- the caller's
    PRIMARY KEY (slot, seq)
);

-- A row for each slot, so that no two nodes wait for one another's commit.
CREATE TABLE spend (
    account text COLLATE "C" NOT NULL,
    month   text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    slot    smallint NOT NULL,
    n       bigint NOT NULL, -- of the commit that wrote it
    amount  bigint NOT NULL, -- millionths of a US dollar
    PRIMARY KEY (account, month, channel, slot, n)
);

CREATE TABLE resource (
    account text COLLATE "C" NOT NULL,
    kind    text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    created bigint NOT NULL,
    tags    text, -- JSON object
    doc     bytea, -- JSON, the caller's
    PRIMARY KEY (account, kind, id)
);

-- +goose Down
DROP TABLE resource, spend, receipt_parked, event_lag, router, event, dispatch, awaiting, queued, message, change_count,
    holding, last_commit, node;
