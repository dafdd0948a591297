-- +goose Up
-- A shard's queue is read lane by lane: of a lane that is too long for memory only
-- the head is there.
CREATE INDEX queued_place ON queued (shard, lane, class, id);

-- +goose Down
DROP INDEX queued_place;
