-- +goose Up
-- When a message may leave for a recipient next, where several nodes send. The
-- database's clock, in microseconds since 1970. Nothing is lost with these rows: who
-- is not there is free, so that after a crash of the server a recipient may be sent
-- to an interval early, once. Therefore they are not logged, which would be most of
-- what they cost.
CREATE UNLOGGED TABLE recipient (
    key  bigint PRIMARY KEY,
    next bigint NOT NULL,
    held boolean NOT NULL -- who asked last has to wait
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0);

-- Rates that all nodes share, by name: the theoretical arrival time of the next
-- request, in nanoseconds since 1970 by the database's clock. Not logged: after a
-- crash of the server each rate has its whole burst to give.
CREATE UNLOGGED TABLE rate (
    name    text COLLATE "C" PRIMARY KEY,
    tat     bigint NOT NULL,
    granted integer NOT NULL -- to who asked last
) WITH (fillfactor = 50, autovacuum_vacuum_cost_delay = 0);

-- What the nodes may spend, spent or not; see spend. A slot without a row may
-- spend no more than it has. The row of slot -1 is locked by who changes those of
-- its key.
CREATE TABLE allowance (
    account text COLLATE "C" NOT NULL,
    month   text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    slot    smallint NOT NULL,
    amount  bigint NOT NULL, -- millionths of a US dollar; of slot -1, how often it was locked
    PRIMARY KEY (account, month, channel, slot)
) WITH (fillfactor = 50);
CREATE INDEX allowance_slot ON allowance (slot);

-- +goose Down
DROP TABLE allowance, rate, recipient;
