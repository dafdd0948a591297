-- +goose Up
-- How many of a slot's events a destination never got, by kind; see store.Loss.
CREATE TABLE event_loss (
    destination TEXT NOT NULL,
    slot        INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    events      INTEGER NOT NULL,
    PRIMARY KEY (destination, slot, kind)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE event_loss;
