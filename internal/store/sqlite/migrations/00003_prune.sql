-- +goose Up
-- What was pruned of a slot: its events had no larger seq, its messages no larger
-- ID. What the slot makes goes on after these and after what is stored.
ALTER TABLE node ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node ADD COLUMN id INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE node DROP COLUMN id;
ALTER TABLE node DROP COLUMN seq;
