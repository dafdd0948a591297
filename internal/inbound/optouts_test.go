package inbound

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/optout"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// meanwhile does something right after entries were read, as often as it is told to.
type meanwhile struct {
	Lists
	times int
	do    func()
}

func (m *meanwhile) Entries(ctx context.Context, keys []store.EntryKey) ([]*store.Entry, error) {
	found, err := m.Lists.Entries(ctx, keys)
	if m.times > 0 {
		m.times--
		m.do()
	}
	return found, err
}

// Whatever is done by hand between the look at the opt-out list and what a message from
// a handset writes there, is neither lost nor loses the handset's STOP.
func TestOptOutsMeanwhile(t *testing.T) {
	r := newRig(t, 1)
	lists := &meanwhile{Lists: r.engine.Lists}
	o := r.nodes[0].o
	o.Lists, o.IDs, o.Metrics, o.Log = lists, sms.NewIDs(5, 0), NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler)
	ctx, stop := context.WithCancel(t.Context())
	r.nodes = append(r.nodes, &node{Flow: New(o), stop: stop})
	r.nodes[1].Run(ctx)
	byHand := func(e store.Entry) func() {
		e.EntryKey = r.optOutKey()
		return func() { r.must(r.committer.Commit(&store.Change{Entries: []store.EntryWrite{{Entry: e}}})) }
	}
	then, before := r.clock.now().Add(-time.Hour), r.clock.now().Add(-time.Minute)
	put, in := byHand(store.Entry{At: then, Mark: optout.ByHand}), byHand(store.Entry{At: then, Mark: optout.OptedIn, Until: before})
	itself := byHand(store.Entry{At: then, Mark: optout.ByEndUser})
	for i, c := range []struct {
		name           string
		was, meanwhile func()
		body           []string
		mark           int64
		until          time.Time
	}{
		{"opted out by hand, then in", put, in, []string{"STOP"}, optout.ByEndUser, before},
		{"the same, in parts", put, in, []string{"ST", "OP"}, optout.ByEndUser, before},
		{"opted out itself, then in by hand", itself, in, []string{"STOP"}, optout.ByEndUser, before},
		{"opted in, then out by hand", in, put, []string{"STOP"}, optout.ByEndUser, time.Time{}},
		{"opts in, and is opted in by hand", put, in, []string{"START"}, optout.OptedIn, before},
	} {
		c.was()
		lists.times, lists.do = 1, c.meanwhile
		answers := len(r.answers())
		for n, body := range c.body {
			if len(c.body) == 1 {
				r.takeAt(1, text(twoWay, body))
			} else {
				r.takeAt(1, pieceOf(n+1, len(c.body), uint16(i), body))
			}
		}
		if e := r.optOut(); e.Mark != c.mark || !e.Until.Equal(c.until) || lists.times != 0 {
			t.Errorf("%s: the entry is %+v", c.name, e)
		}
		if n := len(r.answers()) - answers; n != 1 {
			t.Errorf("%s: %d answers", c.name, n)
		}
	}

	// Who is overtaken every time asks the carrier to send the message again.
	n := 0
	lists.times, lists.do = 1000, func() {
		n++
		byHand(store.Entry{At: then.Add(time.Duration(n) * time.Second), Mark: optout.ByHand})()
	}
	if _, err := r.give(1, text(twoWay, "STOP")); !store.Overtaken(err) || n != attempts {
		t.Errorf("after %d attempts: %v", n, err)
	}
}
