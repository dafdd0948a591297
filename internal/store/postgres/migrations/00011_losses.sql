-- +goose Up
-- How many of a slot's events a destination never got, by kind; see store.Loss.
CREATE TABLE event_loss (
    destination text COLLATE "C" NOT NULL,
    slot        smallint NOT NULL,
    kind        text COLLATE "C" NOT NULL,
    events      bigint NOT NULL,
    PRIMARY KEY (destination, slot, kind)
) WITH (fillfactor = 50);

-- +goose Down
DROP TABLE event_loss;
