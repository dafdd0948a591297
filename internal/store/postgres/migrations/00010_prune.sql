-- +goose Up
-- What is pruned leaves room for what comes only when it was vacuumed, and of
-- tables that hold months the usual fifth is a lot.
ALTER TABLE message SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 50000);
ALTER TABLE event SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 50000);

-- +goose Down
ALTER TABLE event RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
ALTER TABLE message RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
