package feedback

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

const account = "111122223333"

// rig is a flow over a real store, whose time moves by hand.
type rig struct {
	*testing.T
	engine    *sqlite.Engine
	committer *store.Committer
	ids       *sms.IDs
	messageID *sms.MessageIDs
	registry  *prometheus.Registry
	flow      *Flow
	mine      bool
	now       time.Time
}

func newRig(t *testing.T) *rig {
	t.Helper()
	engine, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "feedback.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	fence, err := engine.Join(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, engine: engine, committer: store.NewCommitter(engine, fence, store.CommitterOptions{}), ids: sms.NewIDs(0, 0),
		registry: prometheus.NewRegistry(), mine: true, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	t.Cleanup(r.committer.Close)
	if r.messageID, err = sms.NewMessageIDs([]byte("0123456789abcdef")); err != nil {
		t.Fatal(err)
	}
	r.flow = New(Options{Engine: engine, Lists: engine, Committer: r.committer, Messages: store.NewMessageCache(100), MessageIDs: r.messageID,
		Mine: func() bool { return r.mine }, Metrics: NewMetrics(r.registry), Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return r.now }})
	return r
}

// accept writes a message as accept does.
func (r *rig) accept(feedback bool) *sms.Message {
	r.Helper()
	id := r.ids.Next(r.now)
	m := &sms.Message{ID: id, Account: account, AcceptedAt: r.now, ExpiresAt: r.now.Add(time.Hour), Destination: "+447946000001", Country: "GB",
		Type: sms.Transactional, Body: "x", Encoding: "GSM", Parts: 1, FeedbackEnabled: feedback, ConfigurationSet: "set",
		Route: sms.Route{Identity: "HELIO", Carrier: "sim", Lane: "lane"}}
	change := &store.Change{Accept: []store.Accepted{{Message: m, Queued: store.Queued{ID: id, Shard: "sim", Lane: "lane", Parts: 1, Due: r.now, Expires: m.ExpiresAt}}}}
	if feedback {
		change.Entries = []store.EntryWrite{{Entry: store.Entry{EntryKey: store.EntryKey{List: store.ListID("feedback"), Key: int64(id)}, At: r.now}}}
	}
	if err := r.committer.Commit(change); err != nil {
		r.Fatal(err)
	}
	return m
}

func (r *rig) put(m *sms.Message, status string) (string, error) {
	return r.flow.Put(r.Context(), account, r.messageID.Format(m.ID), status)
}

// story is the feedback in a message's story, and where it stands otherwise.
func (r *rig) story(m *sms.Message) (feedback []string) {
	r.Helper()
	events, err := r.engine.MessageEvents(r.Context(), m.ID)
	if err != nil {
		r.Fatal(err)
	}
	for i := range events {
		e := &events[i]
		if e.Status != store.StatusFeedback {
			continue
		}
		if feedback = append(feedback, e.Detail.Description); e.Final || !e.Aside() || e.Account != account || e.ConfigurationSet != "" {
			r.Errorf("the event is %+v", e)
		}
	}
	return feedback
}

func (r *rig) waiting() int {
	r.Helper()
	entries, err := r.engine.EntriesAfter(r.Context(), store.EntryScan{List: store.ListID(List()...), After: -1, Limit: 1000})
	if err != nil {
		r.Fatal(err)
	}
	return len(entries)
}

// counted is what the metric says of a status.
func (r *rig) counted(status string) float64 {
	r.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if m.GetLabel()[0].GetValue() == status {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func TestFeedbackWithinTheHour(t *testing.T) {
	r := newRig(t)
	m := r.accept(true)
	for i, step := range []struct {
		after  time.Duration
		status string
		want   []string
	}{
		{time.Second, Failed, []string{"FAILED"}},
		{time.Second, Failed, []string{"FAILED"}}, // a repetition
		{time.Minute, Received, []string{"FAILED", "RECEIVED"}},
		{58*time.Minute + 57*time.Second, Failed, []string{"FAILED", "RECEIVED", "FAILED"}}, // a second before the hour
	} {
		r.now = r.now.Add(step.after)
		if got, err := r.put(m, step.status); err != nil || got != step.status {
			t.Errorf("step %d: %q, %v", i, got, err)
		}
		if got := r.story(m); !slices.Equal(got, step.want) {
			t.Errorf("step %d: the story has %v, want %v", i, got, step.want)
		}
		if n := r.waiting(); n != 0 {
			t.Errorf("step %d: %d messages wait", i, n)
		}
	}
	for status, want := range map[string]float64{Received: 1, Failed: 2} {
		if got := r.counted(status); got != want {
			t.Errorf("%v times %s, want %v", got, status, want)
		}
	}
	r.now = r.now.Add(time.Hour)
	if err := r.flow.Sweep(t.Context()); err != nil || len(r.story(m)) != 3 {
		t.Errorf("the sweep: %v, and the story %v", err, r.story(m))
	}
}

func TestRefusals(t *testing.T) {
	r := newRig(t)
	enabled, other := r.accept(true), r.accept(false)
	check := func(name string, err error, kind sms.ErrorKind, reason sms.Reason, what string) {
		t.Helper()
		e, ok := sms.AsError(err)
		switch {
		case !ok || e.Kind != kind || e.Reason != reason:
			t.Errorf("%s: %v", name, err)
		case kind == sms.KindNotFound && (e.ResourceType != sms.TypeMessage || e.ResourceID != what):
			t.Errorf("%s: not found is %s %s", name, e.ResourceType, e.ResourceID)
		case kind == sms.KindValidation && e.Fields[0].Name != what:
			t.Errorf("%s: it is about %s", name, e.Fields[0].Name)
		}
	}
	for name, id := range map[string]string{"no id of ours": "abc", "of no message": r.messageID.Format(r.ids.Next(r.now))} {
		_, err := r.flow.Put(t.Context(), account, id, Received)
		check(name, err, sms.KindNotFound, "", id)
	}
	id := r.messageID.Format(enabled.ID)
	_, err := r.flow.Put(t.Context(), "444455556666", id, Received)
	check("of another account", err, sms.KindNotFound, "", id)
	_, err = r.put(other, Received)
	check("without feedback", err, sms.KindValidation, sms.ReasonInvalidRequest, "MessageId")

	r.now = r.now.Add(Wait)
	_, err = r.put(enabled, Received)
	check("after the hour", err, sms.KindValidation, sms.ReasonInvalidRequest, "MessageFeedbackStatus")
	if got, err := r.put(enabled, Failed); got != Failed || err != nil {
		t.Errorf("FAILED after the hour, before the sweep: %q, %v", got, err)
	}
	if got := r.story(enabled); got != nil {
		t.Errorf("the story has %v of what was refused", got)
	}
	if err := r.flow.Sweep(t.Context()); err != nil || r.waiting() != 1 {
		t.Errorf("the sweep takes messages with the end of the hour: %v", err)
	}
	r.now = r.now.Add(grace + time.Millisecond)
	if err := r.flow.Sweep(t.Context()); err != nil || !slices.Equal(r.story(enabled), []string{"FAILED"}) || r.waiting() != 0 {
		t.Errorf("after the sweep: %v, %d wait, %v", r.story(enabled), r.waiting(), err)
	}
	_, err = r.put(enabled, Received)
	check("after the sweep", err, sms.KindValidation, sms.ReasonInvalidRequest, "MessageFeedbackStatus")
	if got, err := r.put(enabled, Failed); got != Failed || err != nil || len(r.story(enabled)) != 1 {
		t.Errorf("FAILED after the sweep: %q, %v, %v", got, err, r.story(enabled))
	}

	late := r.accept(true)
	if _, err := r.put(late, Received); err != nil {
		t.Fatal(err)
	}
	r.now = r.now.Add(2 * Wait)
	if got, err := r.put(late, Received); got != Received || err != nil {
		t.Errorf("what stands, again after the hour: %q, %v", got, err)
	}
	_, err = r.put(late, Failed)
	check("a change after the hour", err, sms.KindValidation, sms.ReasonInvalidRequest, "MessageFeedbackStatus")
}

// The sweep goes on where there are more messages than it takes at once, and leaves
// those that are younger.
func TestSweepOfMany(t *testing.T) {
	r := newRig(t)
	const old, young = 2*batch + 3, 5
	var first, last *sms.Message
	for i := range old {
		if last = r.accept(true); i == 0 {
			first = last
		}
	}
	// One whose message is gone meanwhile.
	if err := r.committer.Commit(&store.Change{Entries: []store.EntryWrite{{Entry: store.Entry{EntryKey: store.EntryKey{List: store.ListID("feedback"), Key: int64(r.ids.Next(r.now))}}}}}); err != nil {
		t.Fatal(err)
	}
	r.now = r.now.Add(Wait + 2*grace)
	for range young {
		r.accept(true)
	}
	r.mine = false
	if err := r.flow.Sweep(t.Context()); err != nil || r.waiting() != old+young+1 {
		t.Fatalf("another node's sweep is done here: %d wait, %v", r.waiting(), err)
	}
	r.mine = true
	if err := r.flow.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := r.waiting(); n != young {
		t.Errorf("%d messages wait, want %d", n, young)
	}
	for _, m := range []*sms.Message{first, last} {
		if got := r.story(m); !slices.Equal(got, []string{"FAILED"}) {
			t.Errorf("the story of an old one has %v", got)
		}
	}
	if got := r.counted(Failed); got != old {
		t.Errorf("%v are counted, want %d", got, old)
	}
}

// What the events of several nodes say last, holds.
func TestOf(t *testing.T) {
	at := func(status sms.Status, description string, minute int) store.Event {
		return store.Event{Status: status, At: time.Date(2026, 3, 1, 12, minute, 0, 0, time.UTC), Detail: store.EventDetail{Description: description}}
	}
	for name, test := range map[string]struct {
		events []store.Event
		want   string
	}{
		"none":             {nil, ""},
		"other events":     {[]store.Event{at(sms.StatusQueued, "", 0), at(sms.StatusDelivered, "words", 1)}, ""},
		"one":              {[]store.Event{at(store.StatusFeedback, Received, 1), at(sms.StatusDelivered, "", 2)}, Received},
		"changed":          {[]store.Event{at(store.StatusFeedback, Received, 1), at(store.StatusFeedback, Failed, 2)}, Failed},
		"of another slot":  {[]store.Event{at(store.StatusFeedback, Received, 3), at(store.StatusFeedback, Failed, 2)}, Received},
		"at the same time": {[]store.Event{at(store.StatusFeedback, Received, 2), at(store.StatusFeedback, Failed, 2)}, Failed},
	} {
		if got := Of(test.events); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// failing is a store that cannot be read.
type failing struct {
	store.Lists
	reads int
}

func (f *failing) EntriesAfter(context.Context, store.EntryScan) ([]store.Entry, error) {
	f.reads++
	return nil, errors.New("no")
}

// Run sweeps every minute, whatever comes of it, until it is told to end.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lists := &failing{}
		f := New(Options{Lists: lists, Mine: func() bool { return true }, Log: slog.New(slog.DiscardHandler), Now: time.Now})
		ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute+time.Second)
		defer stop()
		f.Run(ctx)
		if lists.reads != 3 {
			t.Errorf("%d sweeps in three minutes", lists.reads)
		}
	})
}
