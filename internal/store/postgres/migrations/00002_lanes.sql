-- +goose Up
-- A shard's queue is read lane by lane: of a lane that is too long for memory only
-- the head is there.
CREATE INDEX queued_place ON queued (shard, lane, class, id);
DROP INDEX queued_shard;

-- +goose Down
CREATE INDEX queued_shard ON queued (shard, id);
DROP INDEX queued_place;
