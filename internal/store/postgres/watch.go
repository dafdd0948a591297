package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"heliograph/internal/store"
)

// Topics of change_count, which are also what NOTIFY says.
const (
	resourceTopic = "resources/" // and the account
	holdingsTopic = "holdings"
)

// Watch calls w for what changes until ctx ends. What changed is found by
// comparing counts, so that nothing is missed while there is no connection; a
// notification only says that it is time to look.
func (e *Engine) Watch(ctx context.Context, w store.Watching) error {
	seen := map[string]int64{}
	began := false
	for {
		err := e.watch(ctx, func() error { return e.look(ctx, w, seen, &began) })
		if e.isClosed() {
			return store.ErrClosed
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		e.options.Logger.Warn("watching the database for changes was interrupted", "err", err)
		if err := e.pause(ctx, e.options.Poll); err != nil {
			return err
		}
	}
}

func (e *Engine) pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-e.closing:
		return store.ErrClosed
	case <-time.After(d):
		return nil
	}
}

// watch calls look at once, and then when there is word of a change or it is time
// again, until something fails.
func (e *Engine) watch(ctx context.Context, look func() error) error {
	if e.pooled {
		for {
			if err := look(); err != nil {
				return err
			}
			if err := e.pause(ctx, e.options.Poll); err != nil {
				return err
			}
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-e.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	conn, err := pgx.ConnectConfig(ctx, e.watching)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		_ = conn.Close(closing)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	for {
		if err := look(); err != nil {
			return err
		}
		wait, done := context.WithTimeout(ctx, 10*e.options.Poll)
		_, err := conn.WaitForNotification(wait)
		late := wait.Err() != nil && ctx.Err() == nil
		done()
		if late {
			// Also whether the connection still stands.
			err = conn.Ping(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// look calls w for the topics whose counts differ from those seen. The first time
// these are all accounts that have resources, and the holdings.
func (e *Engine) look(ctx context.Context, w store.Watching, seen map[string]int64, began *bool) error {
	var changed []string
	sql := "SELECT topic, n FROM change_count ORDER BY topic"
	if !*began {
		// Resources that were brought in from elsewhere were not counted.
		sql = `SELECT topic, max(n) FROM (SELECT topic, n FROM change_count
			UNION ALL SELECT DISTINCT '` + resourceTopic + `' || account, 0 FROM resource) AS t GROUP BY topic ORDER BY topic`
	}
	if err := e.scan(ctx, e.leads, "changes", sql, func(r row) error {
		topic := r.text(0)
		if n, told := seen[topic]; !told || n != r.int(1) {
			seen[topic] = r.int(1)
			changed = append(changed, topic)
		}
		return nil
	}); err != nil {
		return err
	}
	if _, told := seen[holdingsTopic]; !told && !*began && w.Holdings != nil {
		w.Holdings()
	}
	*began = true
	for _, topic := range changed {
		if account, ok := strings.CutPrefix(topic, resourceTopic); ok && w.Resources != nil {
			w.Resources(account)
		} else if topic == holdingsTopic && w.Holdings != nil {
			w.Holdings()
		}
	}
	return nil
}
