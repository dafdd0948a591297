-- +goose Up
-- Times are Unix milliseconds. "doc" columns are records (package record) unless
-- a table says otherwise. A "key" is slot << 56 | seq.

CREATE TABLE node (
    slot  INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    name  TEXT NOT NULL
) STRICT;

CREATE TABLE message (
    id      INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    doc     BLOB NOT NULL
) STRICT;
CREATE INDEX message_account ON message (account);

-- An open message is in exactly one of queued and awaiting.
CREATE TABLE queued (
    id       INTEGER PRIMARY KEY,
    shard    TEXT NOT NULL,
    lane     TEXT NOT NULL,
    class    INTEGER NOT NULL,
    parts    INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    expires  INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    route    BLOB
) STRICT;

CREATE TABLE awaiting (
    id      INTEGER PRIMARY KEY,
    shard   TEXT NOT NULL,
    expires INTEGER NOT NULL,
    doc     BLOB NOT NULL
) STRICT;

CREATE TABLE dispatch (
    key     INTEGER PRIMARY KEY,
    carrier TEXT NOT NULL,
    parts   BLOB NOT NULL -- keys
) STRICT;

CREATE TABLE event (
    key     INTEGER PRIMARY KEY,
    msg     INTEGER NOT NULL,
    account TEXT NOT NULL,
    cset    TEXT NOT NULL,
    status  TEXT NOT NULL,
    at      INTEGER NOT NULL,
    final   INTEGER NOT NULL,
    doc     BLOB
) STRICT;
CREATE INDEX event_msg ON event (msg);

CREATE TABLE router (
    slot INTEGER PRIMARY KEY,
    seq  INTEGER NOT NULL
) STRICT;

CREATE TABLE event_lag (
    destination TEXT NOT NULL,
    slot        INTEGER NOT NULL,
    first       INTEGER NOT NULL,
    seqs        BLOB NOT NULL, -- keys
    PRIMARY KEY (destination, slot, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE receipt_parked (
    key     INTEGER PRIMARY KEY,
    carrier TEXT NOT NULL,
    at      INTEGER NOT NULL,
    doc     BLOB -- the caller's
) STRICT;

CREATE TABLE spend (
    account TEXT NOT NULL,
    month   TEXT NOT NULL,
    channel TEXT NOT NULL,
    amount  INTEGER NOT NULL, -- millionths of a US dollar
    PRIMARY KEY (account, month, channel)
) STRICT, WITHOUT ROWID;

CREATE TABLE resource (
    account TEXT NOT NULL,
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    version INTEGER NOT NULL,
    created INTEGER NOT NULL,
    tags    TEXT, -- JSON object
    doc     BLOB, -- JSON, the caller's
    PRIMARY KEY (account, kind, id)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE resource;
DROP TABLE spend;
DROP TABLE receipt_parked;
DROP TABLE event_lag;
DROP TABLE router;
DROP TABLE event;
DROP TABLE dispatch;
DROP TABLE awaiting;
DROP TABLE queued;
DROP TABLE message;
DROP TABLE node;
