package cloudwatchlogs

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/destination"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
	"heliograph/internal/throttle"
)

const customer = "111122223333"

// world is the service over a store of its own.
type world struct {
	t         *testing.T
	engine    *sqlite.Engine
	committer *store.Committer
	directory *resources.Directory
	service   *Service
	now       time.Time // of requests
	reads     *reads
	rates     map[string]*throttle.Keyed // that the service would have
}

// reads counts how often lines are read.
type reads struct {
	store.Lists
	n int
}

func (r *reads) LogEvents(ctx context.Context, scan store.LogScan) ([]store.LogEvent, error) {
	r.n++
	return r.Lists.LogEvents(ctx, scan)
}

func start(t *testing.T) *world {
	t.Helper()
	ctx := t.Context()
	engine, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "heliograph.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	fence, err := engine.Join(ctx, "test")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, engine: engine, committer: store.NewCommitter(engine, fence, store.CommitterOptions{}), now: noon.Add(time.Hour)}
	t.Cleanup(w.committer.Close)
	created := noon.Add(-24 * time.Hour)
	w.directory, err = resources.Open(ctx, engine, w.committer, "aws", "us-east-1", func() time.Time {
		created = created.Add(time.Millisecond)
		return created
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.directory.EnsureAccount(ctx, customer, resources.Production); err != nil {
		t.Fatal(err)
	}
	w.reads = &reads{Lists: engine}
	w.service = New(w.directory, w.reads, "aws", "us-east-1")
	w.rates, w.service.rates = w.service.rates, nil // the clock stands still
	return w
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// call calls an operation. Its document is read into answer; the code of an exception
// comes back.
func (w *world) call(operation, body string, answer any) (code string) {
	w.t.Helper()
	r := &service.Request{Method: http.MethodPost, Path: "/", Body: []byte(body), Header: http.Header{
		"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"Logs_20140328." + operation}}}
	if action, _ := w.service.Operation(r); action != "logs:"+operation {
		w.t.Fatalf("%s is the action %q", operation, action)
	}
	a, err := w.service.Answer(w.t.Context(), &service.Caller{AccountID: customer, Account: w.directory.Account(customer), Now: w.now}, r)
	if err != nil {
		return service.ExceptionOf(err).Code
	}
	if answer != nil {
		if err := json.Unmarshal(a.Body, answer); err != nil {
			w.t.Fatalf("%s answered %q: %v", operation, a.Body, err)
		}
	}
	return ""
}

// must calls an operation that has to succeed.
func (w *world) must(operation, body string, answer any) {
	w.t.Helper()
	if code := w.call(operation, body, answer); code != "" {
		w.t.Fatalf("%s %s: %s", operation, body, code)
	}
}

// publish publishes a line of a slot to a log group.
func (w *world) publish(group string, slot int, seq int64, at time.Time, line string) {
	w.t.Helper()
	p := NewPublisher(w.directory, w.committer, customer, group)
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	if err := p.Publish(ctx, []destination.Item{{JSON: []byte(line), At: at, Slot: slot, Seq: seq}}); err != nil {
		w.t.Fatal(err)
	}
}

func logGroupValue(name string) sms.LogGroup { return sms.LogGroup{Name: name} }
