package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"heliograph/internal/admin"
	"heliograph/internal/api"
	"heliograph/internal/config"
	"heliograph/internal/credentials"
	"heliograph/internal/datadir"
	"heliograph/internal/reconcile"
	"heliograph/internal/seal"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/postgres"
	"heliograph/internal/store/sqlite"
)

// auditable is an engine that can be reconciled, as all are.
type auditable interface {
	store.Engine
	reconcile.Store
}

var (
	_ auditable = (*sqlite.Engine)(nil)
	_ auditable = (*postgres.Engine)(nil)
)

// reconciliation is the operation that walks through the store of the service.
func (s *service) reconciliation() api.Operation {
	return admin.Reconciliation(s.cfg.Account, walker(s.cfg, s.engine.(auditable), s.ids))
}

func walker(cfg config.Config, engine reconcile.Store, ids *sms.MessageIDs) *reconcile.Walker {
	return &reconcile.Walker{Store: engine, MessageID: ids.Format, Now: now, Retention: cfg.Retention.Messages}
}

// Reconcile calls use with a walk through the store while no server works in the
// data directory, and keeps servers out of it meanwhile.
func Reconcile(ctx context.Context, cfg config.Config, log *slog.Logger, use func(*reconcile.Walker) error) (err error) {
	if cfg.Database == config.SQLite {
		if _, err := os.Stat(datadir.Database(cfg.DataDir)); err != nil {
			return fmt.Errorf("there is no database: %w", err)
		}
	}
	unlock, err := datadir.Lock(cfg.DataDir)
	if err != nil {
		return err
	}
	defer unlock()
	keys, err := credentials.EnsureKeys(credentials.Options{Directory: cfg.DataDir, Log: log})
	if err != nil {
		return err
	}
	ids, err := sms.NewMessageIDs(keys.MessageID)
	if err != nil {
		return err
	}
	masters, err := masterKeys(ctx, cfg, keys.NextToken)
	if err != nil {
		return err
	}
	keyring := seal.New(seal.Options{Masters: masters})
	engine, err := openToRead(ctx, cfg, keyring, log)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	known, err := dataKeys(ctx, engine)
	if err == nil {
		err = keyring.Load(ctx, known)
	}
	if err != nil {
		return keysError(err, cfg)
	}
	return use(walker(cfg, engine, ids))
}

func openToRead(ctx context.Context, cfg config.Config, sealer store.Sealer, log *slog.Logger) (auditable, error) {
	if cfg.Database == config.SQLite {
		return sqlite.Open(ctx, datadir.Database(cfg.DataDir), sqlite.Options{Logger: log, Sealer: sealer})
	}
	return postgres.Open(ctx, cfg.Database, postgres.Options{Logger: log, Sealer: sealer})
}
