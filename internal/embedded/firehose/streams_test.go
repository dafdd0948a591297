package firehose

import (
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/api/service"
	"heliograph/internal/destination"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

const customer = "111122223333"

// desk is streams over a store, with a clock.
type desk struct {
	t         *testing.T
	at        time.Time
	folder    string
	streams   *Streams
	directory *resources.Directory
	options   Options
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, at: time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC), folder: t.TempDir()}
	now := func() time.Time { return d.at }
	engine, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fence, err := engine.Join(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	committer := store.NewCommitter(engine, fence, store.CommitterOptions{})
	t.Cleanup(func() {
		committer.Close()
		engine.Close()
	})
	if d.directory, err = resources.Open(t.Context(), engine, committer, "aws", "us-east-1", now); err != nil {
		t.Fatal(err)
	}
	if err := d.directory.EnsureAccount(t.Context(), customer, resources.Sandbox); err != nil {
		t.Fatal(err)
	}
	d.options = Options{Directory: d.directory, Partition: "aws", Region: "us-east-1", Buffers: t.TempDir(), Target: Folder(d.folder), Log: slog.New(slog.DiscardHandler), Now: now}
	d.open()
	return d
}

// open opens the streams as after a start.
func (d *desk) open() {
	d.t.Helper()
	var err error
	d.options.Metrics = prometheus.NewRegistry()
	if d.streams, err = Open(d.options); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) make(v sms.DeliveryStream) {
	d.t.Helper()
	if err := d.directory.Change(d.t.Context(), customer, func(tx *resources.Tx) error {
		tx.DeliveryStreams.Put(v.Name, v)
		return nil
	}); err != nil {
		d.t.Fatal(err)
	}
}

var events = sms.DeliveryStream{Name: "events", BufferBytes: 100, BufferInterval: time.Minute, Prefix: "sms/",
	BucketARN: "arn:aws:s3:::bucket", Compression: compressionGzip}

func (d *desk) put(records ...string) {
	d.t.Helper()
	var batch []destination.Item
	for _, r := range records {
		batch = append(batch, destination.Item{JSON: []byte(r)})
	}
	if err := d.streams.Publisher(customer, "events").Publish(d.t.Context(), batch); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) deliver() {
	d.t.Helper()
	var deliveries sync.WaitGroup
	d.streams.look(d.t.Context(), &deliveries)
	deliveries.Wait()
}

// only is the one buffer that there is.
func (d *desk) only() *buffer {
	d.t.Helper()
	all := d.streams.all()
	if len(all) != 1 {
		d.t.Fatalf("%d buffers", len(all))
	}
	return all[0]
}

// metric adds up the samples of a metric.
func (d *desk) metric(name string) (sum float64) {
	d.t.Helper()
	families, err := d.options.Metrics.(*prometheus.Registry).Gather()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if of := f.GetName(); of == name || len(m.GetLabel()) > 0 && of+" "+m.GetLabel()[0].GetValue() == name {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// delivered is the text of all files in the folder, by their names up to the UUID.
func (d *desk) delivered() map[string]string {
	d.t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(d.folder, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		var text io.Reader = file
		if strings.HasSuffix(path, ".gz") {
			if text, err = gzip.NewReader(file); err != nil {
				return err
			}
		}
		content, err := io.ReadAll(text)
		rel, _ := filepath.Rel(d.folder, path)
		rel = strings.TrimSuffix(rel, ".gz")
		all[rel[:len(rel)-37]] += string(content)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return all
}

func TestFullAndOldBuffersAreDelivered(t *testing.T) {
	d := newDesk(t)
	d.make(events)
	d.put(`{"n":1}`, `{"n":2}`)
	d.deliver()
	if got := d.delivered(); len(got) != 0 {
		t.Fatalf("delivered before it is full or old: %v", got)
	}
	d.at = d.at.Add(time.Minute)
	d.deliver()
	d.put(strings.Repeat("x", 120))
	d.deliver()
	const first, second = customer + "/bucket/sms/2026/11/23/18/events-1-2026-11-23-18-00-00", customer + "/bucket/sms/2026/11/23/18/events-1-2026-11-23-18-01-00"
	if got := d.delivered(); len(got) != 2 || got[first] != "{\"n\":1}\n{\"n\":2}\n" || got[second] != strings.Repeat("x", 120)+"\n" {
		t.Errorf("delivered %v", got)
	}
}

// What was answered for is delivered after a start, and what was cut off is not.
func TestRestart(t *testing.T) {
	d := newDesk(t)
	d.make(events)
	d.put("one", "two")
	path := filepath.Join(d.only().directory, openName)
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString("cut of"); err != nil {
		t.Fatal(err)
	}
	file.Close()
	d.open()
	d.put("three")
	d.at = d.at.Add(time.Minute)
	if err := d.only().close(); err != nil {
		t.Fatal(err)
	}
	d.open() // with a closed file
	d.deliver()
	d.deliver()
	if got := d.delivered(); len(got) != 1 || !strings.Contains(strings.Join(values(got), ""), "one\ntwo\nthree\n") || strings.Contains(strings.Join(values(got), ""), "cut") {
		t.Errorf("delivered %v", got)
	}
}

func values(m map[string]string) (all []string) {
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

func TestDeletedStreamLeavesNothing(t *testing.T) {
	d := newDesk(t)
	d.make(events)
	d.put("one")
	s := NewService(d.streams)
	caller := &service.Caller{AccountID: customer, Account: d.directory.Account(customer)}
	if _, err := s.delete(t.Context(), caller, &describeInput{"events"}); err != nil {
		t.Fatal(err)
	}
	if got := values(d.delivered()); len(got) != 1 || got[0] != "one\n" {
		t.Errorf("what it had gathered: %q", got)
	}
	d.deliver()
	d.deliver()
	if left, err := filepath.Glob(filepath.Join(d.options.Buffers, customer, "*")); err != nil || len(left) != 0 {
		t.Errorf("its buffer: %v, %v", left, err)
	}
	if err := d.streams.Put(customer, "events", [][]byte{[]byte("two")}); !errors.Is(err, ErrNoStream) {
		t.Errorf("a record afterwards: %v", err)
	}
}
