package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"heliograph/internal/store"
)

// writerConn is the connection that commits are made on. Where the database could
// not be reached just now, that is the answer for a moment, without waiting again.
func (e *Engine) writerConn(ctx context.Context) (*conn, error) {
	if e.writer != nil && time.Since(e.used) > restless {
		// The server may be gone for long. Better to find out now than in a commit.
		_ = e.writer.raw.Ping(ctx)
	}
	e.used = time.Now()
	if e.writer != nil && !e.writer.raw.IsClosed() {
		return e.writer, nil
	}
	if e.away != nil && time.Now().Before(e.awayUntil) {
		return nil, e.away
	}
	c, err := connect(ctx, e.config, !e.pooled)
	if err != nil {
		e.away, e.awayUntil = fmt.Errorf("%w: %w", store.ErrUnavailable, err), time.Now().Add(retryPause)
		return nil, e.away
	}
	e.writer, e.away = c, nil
	return c, nil
}

// learn finds out what became of the commit that e.next is the number of, and sees
// to it that it does not happen any more where it has not.
func (e *Engine) learn(f store.Fence, cause error) (happened bool, err error) {
	e.options.Logger.Warn("outcome of a commit unknown, asking the database", "slot", f.Slot, "err", cause)
	for pause := retryPause / 10; ; pause = min(2*pause, 4*retryPause) {
		happened, err = e.ask(f)
		if err == nil || errors.Is(err, store.ErrFenced) || errors.Is(err, store.ErrBroken) {
			break
		}
		select {
		case <-e.closing:
			return false, fmt.Errorf("%w: %w", store.ErrUnknown, err)
		case <-time.After(pause):
		}
	}
	e.options.Logger.Info("outcome of a commit learned", "slot", f.Slot, "committed", happened, "err", err)
	return happened, err
}

// ask asks once. The slot's row cannot be had before the transaction in question is
// over, one way or the other; one that the server has yet to begin will find its
// predecessor's row gone.
func (e *Engine) ask(f store.Fence) (happened bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), e.options.CommitTimeout)
	defer cancel()
	if e.writer != nil { // what is left of it would be in the way
		e.writer.close()
	}
	e.writer, e.away = nil, nil
	c, err := e.writerConn(ctx)
	if err != nil {
		return false, err
	}
	x := c.exchange(ctx)
	defer func() {
		if !x.end(ctx) {
			e.writer = nil
		}
	}()
	var pid int64
	e.begin(x)
	x.add(backend, func(r row) error {
		pid = r.int(0)
		return nil
	})
	if err := x.sync(); err != nil {
		return false, err
	}
	held, found, at := false, false, int64(0)
	slot, epoch := intParam(int64(f.Slot)), intParam(f.Epoch)
	if err := e.clearingWay(ctx, pid, func() error {
		x.add(settle, func(r row) error {
			held = r.int(0) == f.Epoch
			return nil
		}, slot)
		return x.sync()
	}); err != nil {
		return false, err
	}
	x.add(settled, func(r row) error {
		found, at = true, max(at, r.int(0))
		return nil
	}, slot, epoch)
	if err := x.sync(); err != nil {
		return false, err
	}
	if !found {
		return false, fmt.Errorf("%w: %w", store.ErrUnknown, fenced(f))
	}
	// Each time it is asked the number goes up by two, which keeps what is known:
	// the answer may be lost too.
	happened = at >= e.next && (at-e.next)%2 == 0
	if !held {
		if happened {
			return true, nil
		}
		return false, fenced(f)
	}
	// Also where it happened: a commit that is answered says that the one before
	// is as safe.
	number, seq, id := at+2, e.seq, e.maxID
	if happened {
		seq, id = e.batch.Seq, e.newest
	}
	x.add(follow, nil, slot, epoch, intParam(at), intParam(number), intParam(seq), intParam(int64(id)))
	x.add(commit, nil)
	if err := x.sync(); err != nil {
		return false, err
	}
	if c.warned {
		return false, errNotReplicated
	}
	if happened {
		e.next = number // apply takes it for e.commits
	} else {
		e.commits = number
	}
	return happened, nil
}
