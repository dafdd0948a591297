package postgres

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// configure makes the configurations of the connections that are not in a pool, and
// the settings of those that write.
func (e *Engine) configure(base *pgx.ConnConfig, server server) {
	o := e.options
	names := []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"}
	values := []string{milliseconds(o.StatementTimeout), milliseconds(o.LockTimeout), milliseconds(o.IdleTimeout)}
	for k, v := range planner() {
		names, values = append(names, k), append(values, v)
	}
	if server.synchronousCommit == "off" {
		names, values = append(names, "synchronous_commit"), append(values, "on")
	}
	config := base.Copy()
	settings := [2]array{{oid: oidTexts}, {oid: oidTexts}}
	e.writing = map[string]string{}
	for i, name := range names {
		settings[0].text(name)
		settings[1].text(values[i])
		e.writing[name] = values[i]
	}
	e.settings = [2][]byte{settings[0].param(), settings[1].param()}
	if !e.pooled {
		maps.Copy(config.RuntimeParams, e.writing)
	}
	name(config, e.pooled)
	e.config = &config.Config
	if o.dial != nil {
		e.config.DialFunc = o.dial
	}
	e.watching = base.Copy()
	e.watching.DefaultQueryExecMode = pgx.QueryExecModeExec
	name(e.watching, e.pooled)
}

// planner are settings under which a statement finds rows by their key whatever
// the statistics say. Those of a queue's table are seldom true.
func planner() map[string]string {
	return map[string]string{"enable_seqscan": "off", "enable_bitmapscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
		"enable_material": "off", "enable_memoize": "off",
		"plan_cache_mode": "force_generic_plan", "jit": "off"}
}

// name tells the server who is connected, and to find out within seconds that a
// peer is gone. A pooler takes no settings that it does not know.
func name(config *pgx.ConnConfig, pooled bool) {
	set := func(k, v string) {
		if config.RuntimeParams[k] == "" {
			config.RuntimeParams[k] = v
		}
	}
	set("application_name", "heliograph")
	if !pooled {
		set("tcp_keepalives_idle", "5")
		set("tcp_keepalives_interval", "2")
		set("tcp_keepalives_count", "3")
	}
}

// reading are the settings of connections that read.
func (e *Engine) reading() map[string]string {
	settings := planner()
	settings["statement_timeout"] = milliseconds(e.options.ReadTimeout)
	settings["lock_timeout"] = milliseconds(e.options.LockTimeout)
	settings["idle_in_transaction_session_timeout"] = milliseconds(e.options.ReadTimeout)
	return settings
}

// pool makes a pool of connections with these settings, and prepares statements on
// each of them; through a pooler neither is possible.
func (e *Engine) pool(ctx context.Context, base *pgxpool.Config, size int, settings map[string]string, statements []*statement) (*pgxpool.Pool, error) {
	config := base.Copy()
	config.MaxConns = int32(size)
	config.MinConns = 0
	c := config.ConnConfig
	name(c, e.pooled)
	if e.pooled {
		c.DefaultQueryExecMode = pgx.QueryExecModeExec
	} else {
		maps.Copy(c.RuntimeParams, settings)
		if len(statements) > 0 {
			config.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
				return (&conn{raw: c.PgConn()}).prepare(ctx, statements)
			}
		}
	}
	return pgxpool.NewWithConfig(ctx, config)
}

func milliseconds(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }
