-- +goose Up
-- Entries of lists. What at (null: none), mark, until (null: none) and doc mean is the
-- list's own.
CREATE TABLE entry (
    list  bigint NOT NULL,
    key   bigint NOT NULL,
    at    bigint,
    mark  bigint NOT NULL,
    until bigint,
    doc   bytea,
    PRIMARY KEY (list, key)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 20000);

-- Lines of log groups. Those of each slot lie together, so that a slot's lines and
-- where they begin and end are found at once; there are few slots to bring together.
CREATE TABLE log_line (
    grp     bigint NOT NULL,
    slot    smallint NOT NULL,
    at      bigint NOT NULL,
    seq     bigint NOT NULL,
    message bytea NOT NULL,
    PRIMARY KEY (grp, slot, at, seq)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 50000);

-- What was billed is kept by country and route too. What was spent before has none.
ALTER TABLE spend RENAME COLUMN amount TO price;
ALTER TABLE spend
    ADD COLUMN country   text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN route     text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN parts     bigint NOT NULL DEFAULT 0,
    ADD COLUMN fee_parts bigint NOT NULL DEFAULT 0, -- of parts, those with a carrier fee
    ADD COLUMN fee       bigint NOT NULL DEFAULT 0, -- millionths of a US dollar
    DROP CONSTRAINT spend_pkey,
    ADD PRIMARY KEY (account, month, channel, country, route, slot, n);
ALTER TABLE spend
    ALTER COLUMN country DROP DEFAULT, ALTER COLUMN route DROP DEFAULT, ALTER COLUMN parts DROP DEFAULT,
    ALTER COLUMN fee_parts DROP DEFAULT, ALTER COLUMN fee DROP DEFAULT;

-- +goose Down
CREATE TABLE spend_before (
    account text COLLATE "C" NOT NULL,
    month   text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    slot    smallint NOT NULL,
    n       bigint NOT NULL, -- of the commit that wrote it
    amount  bigint NOT NULL, -- millionths of a US dollar
    PRIMARY KEY (account, month, channel, slot, n)
);
INSERT INTO spend_before SELECT account, month, channel, slot, max(n), sum(price + fee) FROM spend GROUP BY account, month, channel, slot;
DROP TABLE log_line, entry, spend;
ALTER TABLE spend_before RENAME TO spend;
ALTER INDEX spend_before_pkey RENAME TO spend_pkey;
