package postgres

import (
	"context"
	"errors"
	"fmt"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// attempts bounds how often a batch is tried that lost against another node's, or
// lost its connection.
const attempts = 8

// outcome is what came of an attempt.
type outcome int

const (
	failed outcome = iota // nothing was written
	done                  // it is durable
	lost                  // the connection ended before the commit was sent
	unsure                // the connection ended during the commit
)

// Apply writes the changes in one transaction. ctx is looked at before it begins;
// from then on it ends either way, so that the answer is sure. Where the connection
// is lost during the commit, Apply waits until the database can say what became of
// it: for as long as that takes, or until Close.
func (e *Engine) Apply(ctx context.Context, f store.Fence, changes []*store.Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.isClosed() {
		return store.ErrClosed
	}
	if err := e.apply(f, changes); err != nil {
		for _, c := range changes {
			c.Events, c.Err = nil, nil
		}
		return fmt.Errorf("commit %d changes: %w", len(changes), err)
	}
	return nil
}

func (e *Engine) apply(f store.Fence, changes []*store.Change) (err error) {
	strict := false
	for range attempts {
		var o outcome
		o, err = e.try(f, changes, strict)
		if o == unsure {
			happened, failed := e.learn(f, err)
			if failed != nil {
				return failed
			}
			if happened {
				o, err = done, nil
			} else {
				o, err = lost, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
			}
		}
		if o == done {
			e.commits, e.seq, e.maxID = e.next, e.batch.Seq, e.newest
			e.running.written()
			return nil
		}
		if o == lost { // a connection may have ended long before anybody noticed
			continue
		}
		again := false
		switch sqlState(err) {
		case codeSerialization, codeDeadlock:
			again = true
		case codeUniqueViolation:
			// An ID is taken, or another node has made the same resource or entry: the
			// next attempt sees it.
			again, strict = !strict || e.loader.racing(), true
		case codeDivisionByZero:
			var step *stepError
			if errors.As(err, &step) && step.s == fence {
				return fenced(f)
			}
			// What is known of the rows before is not so any more: somebody else
			// committed under the same fence, or moved a cursor.
			again, e.fence = true, store.Fence{}
		}
		if !again {
			break
		}
	}
	return classify(context.Background(), err)
}

// racing reports whether the batch makes resources or entries that must not be there,
// which another node may make at the same time.
func (l *loader) racing() bool {
	if l.entries[0].n > 0 {
		return true
	}
	for _, there := range l.resources {
		if !there {
			return true
		}
	}
	return false
}

// try makes one attempt.
func (e *Engine) try(f store.Fence, changes []*store.Change, strict bool) (outcome, error) {
	ctx, cancel := context.WithTimeout(context.Background(), e.options.CommitTimeout)
	defer cancel()
	c, err := e.writerConn(ctx)
	if err != nil {
		return failed, err
	}
	x := c.exchange(ctx)
	defer func() {
		if !x.end(ctx) {
			e.writer = nil
		}
	}()
	slot, epoch := intParam(int64(f.Slot)), intParam(f.Epoch)
	if e.fence != f {
		if err := e.recall(x, f); err != nil {
			return before(err)
		}
	}
	e.batch.Reset(f.Slot, e.seq)
	e.begin(x)
	x.add(fence, nil, slot, epoch)
	if e.loader.collect(f, changes, e.maxID, strict) {
		e.loader.send(x, e.batch)
		if err := x.sync(); err != nil {
			return before(err)
		}
	}
	e.newest = e.maxID
	for _, c := range changes {
		e.batch.Apply(c)
		for i := range c.Accept {
			if id := c.Accept[i].Message.ID; id.Slot() == f.Slot && c.Err == nil {
				e.newest = max(e.newest, id)
			}
		}
		for i := range c.Append {
			if id := c.Append[i].Message; id.Slot() == f.Slot && c.Err == nil {
				e.newest = max(e.newest, id)
			}
		}
	}
	e.next = e.commits + 1
	if err := e.writes.gather(f, e.next, changes, e.batch, e.loader.resources, e.running); err != nil {
		return failed, err
	}
	x.add(follow, nil, slot, epoch, intParam(e.commits), intParam(e.next), intParam(e.batch.Seq), intParam(int64(e.newest)))
	e.writes.send(x, f.Slot, e.running)
	e.asked.gather(changes)
	e.asked.send(x) // last: nobody waits for these rows longer than for the commit
	x.add(commit, nil)
	err = x.sync()
	switch {
	case err == nil && c.warned:
		return unsure, errNotReplicated
	case err == nil:
		return done, nil
	case aborted(err):
		return failed, err
	default:
		return unsure, err
	}
}

// before is what came of an attempt that failed before its commit was sent.
func before(err error) (outcome, error) {
	if aborted(err) || kindOf(err) != nil || errors.As(err, new(*recordError)) {
		return failed, err
	}
	return lost, err
}

// errNotReplicated: the server has given up waiting for its standbys. It has
// committed, but on one machine only.
var errNotReplicated = errors.New("the server warned of the commit")

// begin adds what every transaction begins with.
func (e *Engine) begin(x *exchange) {
	x.add(begin, nil)
	if !x.conn.prepared {
		x.add(settings, nil, e.settings[0], e.settings[1])
	}
}

// recall reads what the slot's last commit under the fence has left.
func (e *Engine) recall(x *exchange, f store.Fence) error {
	found := false
	e.running.forget()
	x.add(state, func(r row) error {
		e.commits, e.seq, e.maxID = r.int(0), r.int(1), sms.ID(r.int(2))
		found = true
		return nil
	}, intParam(int64(f.Slot)), intParam(f.Epoch))
	if err := x.sync(); err != nil {
		return err
	}
	if !found {
		return fenced(f)
	}
	e.fence = f
	return nil
}
