package queue_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/queue"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// small has lanes keep next to nothing in memory.
func small(o *queue.Options) { o.Memory = 1 }

// numbered are messages whose texts are their numbers, over lanes in turn.
func numbered(n, lanes int, edit ...func(*sms.Message)) []*sms.Message {
	var all []*sms.Message
	for i := range n {
		all = append(all, message(to(i), append([]func(*sms.Message){func(m *sms.Message) {
			m.Body, m.Route.Lane = fmt.Sprint(100000+i), fmt.Sprint("lane", i%lanes)
		}}, edit...)...))
	}
	return all
}

// inOrder fails where parts of a lane came out of order or twice.
func inOrder(t *testing.T, parts []carrier.Part, lanes int) {
	t.Helper()
	last := map[int]string{}
	for _, p := range parts {
		var n int
		fmt.Sscan(p.Text, &n)
		if p.Text <= last[n%lanes] {
			t.Errorf("%s came after %s", p.Text, last[n%lanes])
		}
		last[n%lanes] = p.Text
	}
}

// What is accepted while a carrier is down stays in the store but for the heads of
// lanes, and leaves in order when the carrier is up, with what comes meanwhile.
func TestLongLanesStayInTheStore(t *testing.T) {
	one := newScripted("one", nil)
	one.up = false
	r := newRig(t, "", []carrier.Carrier{one}, small)
	const n, lanes = 600, 3
	all := numbered(n, lanes)
	r.send(all[:300]...)
	depth := func() queue.Depth { return r.queue.Depths()[0] }
	if d := depth(); d.Messages != 300 || d.Parts != 300 || d.InMemory > 2*lanes {
		t.Errorf("%+v", d)
	}
	one.setUp(true)
	for i := 300; i < n; i += 10 {
		r.send(all[i : i+10]...)
	}
	eventually(t, "all are handed over", func() bool { return len(one.got()) >= n })
	eventually(t, "no row is left", func() bool { return r.counts() == store.Counts{} })
	if got := one.got(); len(got) != n {
		t.Errorf("%d parts were handed over, want %d", len(got), n)
	}
	inOrder(t, one.got(), lanes)
	eventually(t, "nothing is left in memory", func() bool { d := depth(); return d.Messages == 0 && d.Parts == 0 && d.InMemory == 0 })
}

// A restart reads the heads of lanes alone, counts the rest, and sends all of it once.
// Parts that were in flight are sent again wherever they stand.
func TestLongLanesAreRestarted(t *testing.T) {
	const n, lanes = 400, 2
	lost := newScripted("one", func(carrier.Part) (carrier.Outcome, bool) { return carrier.Outcome{}, false })
	r := newRig(t, "", []carrier.Carrier{lost}, small)
	r.send(numbered(n, lanes)...)
	eventually(t, "some are in flight", func() bool { return len(lost.got()) == 2*lanes })

	one := newScripted("one", nil)
	again := newRig(t, snapshot(t, r.path), []carrier.Carrier{one}, small)
	eventually(t, "all are handed over", func() bool { return len(one.got()) >= n })
	eventually(t, "no row is left", func() bool { return again.counts() == store.Counts{} })
	if got := one.got(); len(got) != n {
		t.Errorf("%d parts were handed over, want %d", len(got), n)
	}
	inOrder(t, one.got(), lanes)
}

// A transactional message passes the promotional ones of its lane that wait in the
// store.
func TestClassesOfALongLane(t *testing.T) {
	one := newScripted("one", nil)
	one.up = false
	r := newRig(t, "", []carrier.Carrier{one}, small)
	promotional := func(m *sms.Message) { m.Type = sms.Promotional }
	r.send(numbered(100, 1, promotional)...)
	r.send(message(to(1), func(m *sms.Message) { m.Body, m.Route.Lane = "now", "lane0" }))
	one.setUp(true)
	eventually(t, "all are handed over", func() bool { return len(one.got()) == 101 })
	for i, p := range one.got() {
		if p.Text == "now" && i > 10 {
			t.Errorf("the transactional message is number %d", i+1)
		}
	}
}

// Nothing that waits in the store leaves after its time to live, and what has to end
// there ends.
func TestTimeToLiveOfALongLane(t *testing.T) {
	one := newScripted("one", nil)
	one.up = false
	r := newRig(t, "", []carrier.Carrier{one}, small)
	soon := func(m *sms.Message) { m.ExpiresAt = time.Now().Add(300 * time.Millisecond).Truncate(time.Millisecond) }
	r.send(numbered(100, 1, soon)...)
	ids := r.send(message(to(1), func(m *sms.Message) { m.Body, m.Route.Lane = "later", "lane0" }))
	eventually(t, "the head expires, and what is read then", func() bool { return r.counts().Queued == 1 })
	one.setUp(true)
	eventually(t, "the last leaves", func() bool { return r.statuses(ids[0]) == "QUEUED SUCCESSFUL. " })
	if got := one.got(); len(got) != 1 {
		t.Errorf("%d parts left, want the last alone", len(got))
	}
}

// A shard that is stopped in order is loaded by whoever starts it next, with nothing
// marked as in flight.
func TestShardIsStoppedAndStarted(t *testing.T) {
	const n, lanes = 300, 3
	first := newScripted("one", nil)
	r := newRig(t, "", []carrier.Carrier{first}, small)
	slow := func(m *sms.Message) { m.Route.PartsPerSecond = 200 }
	r.send(numbered(n/2, lanes, slow)...)
	eventually(t, "some are handed over", func() bool { return len(first.got()) > 10 })
	r.queue.Stop(context.Background(), "one")
	if c := r.counts(); c.Dispatches != 0 || c.Queued == 0 {
		t.Errorf("after the stop: %+v", c)
	}
	if len(r.queue.Depths()) != 0 {
		t.Error("the shard is still there")
	}
	more := numbered(n, lanes, slow)[n/2:]
	r.send(more[:10]...) // accepted while nobody has the shard
	if err := r.queue.Start(context.Background(), "one"); err != nil {
		t.Fatal(err)
	}
	if err := r.queue.Start(context.Background(), "one"); err == nil {
		t.Error("it was started twice")
	}
	r.send(more[10:]...)
	eventually(t, "all are handed over", func() bool { return len(first.got()) >= n })
	eventually(t, "no row is left", func() bool { return r.counts() == store.Counts{} })
	inOrder(t, first.got(), lanes)
}

// IDs are not in the order of commits. What is committed while a lane is read, with an
// ID in the middle of what is read, is not passed over.
func TestLateMessageOfALongLane(t *testing.T) {
	one := newScripted("one", nil)
	one.up = false
	r := newRig(t, "", []carrier.Carrier{one}, small)
	in := func(m *sms.Message) { m.Route.Lane = "lane0" }
	r.send(numbered(20, 1)...)
	late := message(to(99), in, func(m *sms.Message) { m.Body = "late" })
	late.ID = r.ids.Next(time.Now())
	r.send(numbered(20, 1)...)
	var once sync.Once
	told := func(rows []store.Queued) {
		if len(rows) == 0 || rows[len(rows)-1].ID < late.ID {
			return
		}
		once.Do(func() {
			late.AcceptedAt, late.ExpiresAt = time.Now(), time.Now().Add(time.Hour)
			change := &store.Change{Accept: []store.Accepted{{Message: late, Queued: store.Queued{ID: late.ID, Shard: "one", Lane: "lane0", Parts: 1,
				Due: late.AcceptedAt, Expires: late.ExpiresAt}}}}
			if err := r.committer.Commit(change); err != nil {
				t.Error(err)
			}
		})
	}
	r.gate.read.Store(&told)
	one.setUp(true)
	eventually(t, "all are handed over", func() bool { return len(one.got()) == 41 })
	eventually(t, "no row is left", func() bool { return r.counts() == store.Counts{} })
}
