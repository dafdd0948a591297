package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"heliograph/internal/store"
)

// server is what is found out about a database before it is used.
type server struct {
	version           int // 150004 is 15.4
	pooled            bool
	standby           bool
	encoding          string
	fsync             string
	fullPageWrites    string
	synchronousCommit string
}

func probe(ctx context.Context, base *pgx.ConnConfig) (s server, err error) {
	config := base.Copy()
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return s, err
	}
	defer conn.Close(ctx)
	var pid uint32
	err = conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, pg_backend_pid()::int, pg_is_in_recovery(),
			current_setting('server_encoding'), current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit')`).
		Scan(&s.version, &pid, &s.standby, &s.encoding, &s.fsync, &s.fullPageWrites, &s.synchronousCommit)
	s.pooled = pid != conn.PgConn().PID()
	return s, err
}

// check refuses a database that would lose what was answered, and says what it
// makes of one that is set up unusually.
func (e *Engine) check(s server) error {
	refuse := func(format string, args ...any) error { return unreadable(fmt.Errorf(format, args...)) }
	log := e.options.Logger
	switch {
	case s.version < oldestVersion:
		return refuse("the server is PostgreSQL %d, and has to be %d or newer", s.version/10000, oldestVersion/10000)
	case s.standby:
		return fmt.Errorf("%w: the server is a standby, which takes no writes", store.ErrUnavailable)
	case s.encoding != "UTF8":
		return refuse("the database is encoded in %s, and has to be in UTF8", s.encoding)
	case s.fsync != "on" && !e.options.AllowNoFsync:
		return refuse("the server has fsync = %s, so that messages that were accepted would be lost with its power; set it to on", s.fsync)
	}
	if s.fullPageWrites != "on" && !e.options.AllowNoFsync {
		log.Warn("the server has full_page_writes = off; that is safe only on a file system that never writes half a page")
	}
	switch s.synchronousCommit {
	case "off":
		log.Warn("the server has synchronous_commit = off; this service's transactions turn it on")
	case "local":
		log.Warn("the server has synchronous_commit = local; a failover to a standby can lose messages that were accepted")
	}
	if s.pooled {
		log.Info("the database is reached through a pooler: statements are not prepared, and changes of resources are found by polling")
	}
	return nil
}
