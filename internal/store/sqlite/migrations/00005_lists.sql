-- +goose Up
-- Entries of lists. What at (NULL: none), mark, until (NULL: none) and doc mean is the
-- list's own.
CREATE TABLE entry (
    list  INTEGER NOT NULL,
    key   INTEGER NOT NULL,
    at    INTEGER,
    mark  INTEGER NOT NULL,
    until INTEGER,
    doc   BLOB,
    PRIMARY KEY (list, key)
) STRICT, WITHOUT ROWID;

-- Lines of log groups. Those of each slot lie together, so that a slot's lines and
-- where they begin and end are found at once; there are few slots to bring together.
CREATE TABLE log_line (
    grp     INTEGER NOT NULL,
    slot    INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    message BLOB NOT NULL,
    PRIMARY KEY (grp, slot, at, seq)
) STRICT, WITHOUT ROWID;

-- What was billed is kept by country and route too. What was spent before has none.
ALTER TABLE spend RENAME TO spend_before;
CREATE TABLE spend (
    account   TEXT NOT NULL,
    month     TEXT NOT NULL,
    channel   TEXT NOT NULL,
    country   TEXT NOT NULL,
    route     TEXT NOT NULL,
    parts     INTEGER NOT NULL,
    price     INTEGER NOT NULL, -- millionths of a US dollar
    fee_parts INTEGER NOT NULL, -- of parts, those with a carrier fee
    fee       INTEGER NOT NULL, -- millionths of a US dollar
    PRIMARY KEY (account, month, channel, country, route)
) STRICT, WITHOUT ROWID;
INSERT INTO spend SELECT account, month, channel, '', '', 0, amount, 0, 0 FROM spend_before;
DROP TABLE spend_before;

-- +goose Down
ALTER TABLE spend RENAME TO spend_after;
CREATE TABLE spend (
    account TEXT NOT NULL,
    month   TEXT NOT NULL,
    channel TEXT NOT NULL,
    amount  INTEGER NOT NULL, -- millionths of a US dollar
    PRIMARY KEY (account, month, channel)
) STRICT, WITHOUT ROWID;
INSERT INTO spend SELECT account, month, channel, sum(price + fee) FROM spend_after GROUP BY account, month, channel;
DROP TABLE spend_after;
DROP TABLE log_line;
DROP TABLE entry;
