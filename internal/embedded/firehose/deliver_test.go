package firehose

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// broken is a target that does not take what is for one bucket, until it is mended.
type broken struct {
	Target
	bucket string
	err    error         // fails with it
	hang   chan struct{} // or waits for its end
	tries  atomic.Int32
}

func (b *broken) Put(ctx context.Context, o Object, write func(io.Writer) error) error {
	if o.Bucket != b.bucket {
		return b.Target.Put(ctx, o, write)
	}
	b.tries.Add(1)
	if b.hang != nil {
		select {
		case <-b.hang:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if b.err != nil {
		return b.err
	}
	return b.Target.Put(ctx, o, write)
}

// bad is a stream whose bucket the broken target does not take.
func bad() sms.DeliveryStream {
	v := events
	v.Name, v.BucketARN = "bad", "arn:aws:s3:::bad"
	return v
}

func newBroken(t *testing.T) (*desk, *broken) {
	t.Helper()
	d := newDesk(t)
	target := &broken{Target: Folder(d.folder), bucket: "bad", err: errors.New("no such bucket")}
	d.options.Target = target
	d.open()
	d.make(events)
	d.make(bad())
	return d, target
}

func (d *desk) putInto(name string, records ...string) {
	d.t.Helper()
	var texts [][]byte
	for _, r := range records {
		texts = append(texts, []byte(r))
	}
	if err := d.streams.Put(customer, name, texts); err != nil {
		d.t.Fatal(err)
	}
}

// A stream is made with a role that Firehose can take on, and what the role allows is asked
// before each file: what it does not allow waits.
func TestRole(t *testing.T) {
	d := newDesk(t)
	trusts, allows := false, false
	d.options.MayUseRole = func(account, arn string, stream sms.DeliveryStream, key string) error {
		if account != customer || arn != "arn:aws:firehose:us-east-1:111122223333:deliverystream/"+stream.Name || stream.RoleARN != "arn:aws:iam::111122223333:role/firehose" {
			t.Errorf("asked for %s in %s: %+v", arn, account, stream)
		}
		if !trusts || key != "" && !allows {
			return errors.New("the role does not")
		}
		return nil
	}
	d.open()
	if got := d.call("CreateDeliveryStream", create("mine", "")); got != "InvalidArgumentException" {
		t.Errorf("a role that does not trust Firehose: %s", got)
	}
	trusts = true
	if got := d.call("CreateDeliveryStream", create("mine", "")); !strings.Contains(got, "deliverystream/mine") {
		t.Fatal(got)
	}
	d.putInto("mine", "one")
	if err := d.streams.Flush(t.Context(), customer, "mine"); err == nil || !strings.Contains(err.Error(), "the role does not") {
		t.Errorf("delivered without leave: %v", err)
	}
	allows = true
	if err := d.streams.Flush(t.Context(), customer, "mine"); err != nil {
		t.Error(err)
	}
	if files, _ := filepath.Glob(filepath.Join(d.folder, customer, "bucket", "*", "*", "*", "*", "*")); len(files) != 1 {
		t.Errorf("the bucket has %v", files)
	}
}

// A stream that cannot be delivered pauses alone; its files are closed at their size and
// age all the same, and come when it can be delivered.
func TestTargetThatFails(t *testing.T) {
	d, target := newBroken(t)
	d.putInto("bad", "one")
	d.at = d.at.Add(time.Minute)
	d.deliver()
	if target.tries.Load() != 1 || d.metric("heliograph_delivery_stream_objects_total failed") != 1 {
		t.Fatalf("%d tries", target.tries.Load())
	}
	d.put("good")
	d.putInto("bad", strings.Repeat("x", 120), "two")
	d.putInto("bad", "three")
	d.at = d.at.Add(time.Minute)
	target.err = nil
	target.bucket = "nobody's"
	d.streams.fail(d.named("bad"), errors.New("again"))
	d.deliver() // while it pauses
	if got := values(d.delivered()); len(got) != 1 || got[0] != "good\n" {
		t.Errorf("of the other stream came %q", got)
	}
	if got := d.named("bad").closed(); len(got) != 3 {
		t.Errorf("closed while it pauses: %q", got)
	}
	if got := d.metric("heliograph_delivery_stream_oldest_age_seconds"); got != 120 {
		t.Errorf("the oldest is %v s old", got)
	}
	d.at = d.at.Add(pauseAtMost)
	d.deliver()
	if got := strings.Join(values(d.delivered()), ""); len(got) != len("good\none\n")+121+len("two\nthree\n") {
		t.Errorf("delivered %q", got)
	}
	if got := d.metric("heliograph_delivery_stream_objects_total delivered"); got != 4 {
		t.Errorf("%v objects", got)
	}
	if records, age := d.metric("heliograph_delivery_stream_records_total"), d.metric("heliograph_delivery_stream_oldest_age_seconds"); records != 5 || age != 0 {
		t.Errorf("%v records, the oldest %v s old", records, age)
	}
}

// named is a stream's one buffer.
func (d *desk) named(name string) (found *buffer) {
	d.t.Helper()
	for _, b := range d.streams.all() {
		if b.definition.Stream.Name == name {
			if found != nil {
				d.t.Fatalf("%s has two buffers", name)
			}
			found = b
		}
	}
	if found == nil {
		d.t.Fatalf("%s has no buffer", name)
	}
	return found
}

// A target that hangs for one stream holds up no other.
func TestTargetThatHangs(t *testing.T) {
	d, target := newBroken(t)
	target.hang = make(chan struct{})
	d.putInto("bad", "one")
	d.put("good")
	d.at = d.at.Add(time.Minute)
	var deliveries sync.WaitGroup
	d.streams.look(t.Context(), &deliveries)
	for len(d.named("events").closed()) > 0 { // until it is delivered
		time.Sleep(time.Millisecond)
	}
	d.streams.look(t.Context(), &deliveries)
	close(target.hang)
	deliveries.Wait()
	if target.tries.Load() != 1 {
		t.Errorf("%d deliveries of one file at once", target.tries.Load())
	}
}

func TestPausesGrow(t *testing.T) {
	b := &buffer{}
	now := time.Unix(0, 0)
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		if got := b.failed(now); got != want*time.Second || b.paused(now.Add(got)) || !b.paused(now.Add(got-1)) {
			t.Errorf("pause %s, want %d s", got, want)
		}
	}
	b.succeeded()
	if got := b.failed(now); got != pauseAtFirst {
		t.Errorf("after a delivery the pause is %s", got)
	}
}

func (d *desk) delete(name string) {
	d.t.Helper()
	caller := &service.Caller{AccountID: customer, Account: d.directory.Account(customer)}
	if _, err := NewService(d.streams).delete(d.t.Context(), caller, &describeInput{name}); err != nil {
		d.t.Fatal(err)
	}
}

// A stream that cannot be delivered can be deleted; what it holds is delivered when that
// can be done, by another process too, and to where it was to go.
func TestDeletedStreamIsDelivered(t *testing.T) {
	d, target := newBroken(t)
	d.putInto("bad", "one")
	d.delete("bad")
	elsewhere := bad()
	elsewhere.Prefix = "elsewhere/"
	d.make(elsewhere)
	d.putInto("bad", "two")
	d.at = d.at.Add(time.Minute)
	d.deliver()
	d.open()
	target.err = nil
	d.at = d.at.Add(time.Minute)
	d.deliver()
	d.deliver()
	got := d.delivered()
	if len(got) != 2 || got[customer+"/bad/sms/2026/11/23/18/bad-1-2026-11-23-18-00-00"] != "one\n" ||
		got[customer+"/bad/elsewhere/2026/11/23/18/bad-1-2026-11-23-18-00-00"] != "two\n" {
		t.Errorf("delivered %q", got)
	}
	if b := d.named("bad"); b.definition.Stream.Prefix != "elsewhere/" {
		t.Errorf("left: %v", b.definition)
	}
}

// Another node deletes the stream: this one has records of it, and gets one more.
func TestStreamDeletedElsewhere(t *testing.T) {
	d := newDesk(t)
	d.make(events)
	d.put("one")
	if err := d.directory.Change(t.Context(), customer, func(tx *resources.Tx) error {
		tx.DeliveryStreams.Delete("events")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	b := d.only()
	if _, err := b.add([][]byte{[]byte("put during the deletion")}, d.at); err != nil {
		t.Fatal(err)
	}
	d.deliver()
	if _, err := b.add([][]byte{[]byte("and after it was closed")}, d.at); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		d.deliver()
	}
	if got := strings.Join(values(d.delivered()), ""); !strings.Contains(got, "one\nput during the deletion\n") || !strings.Contains(got, "and after it was closed\n") {
		t.Errorf("delivered %q", got)
	}
	if _, err := b.add([][]byte{[]byte("late")}, d.at); !errors.Is(err, errRetired) {
		t.Errorf("a record for a buffer that is gone: %v", err)
	}
	if len(d.streams.all()) != 0 {
		t.Error("the buffer is still there")
	}
}

// What cannot be delivered for a day after the stream's deletion is dropped, across
// starts.
func TestDeletedStreamIsDropped(t *testing.T) {
	d, _ := newBroken(t)
	d.putInto("bad", "one")
	d.delete("bad")
	d.deliver()
	for range 2 {
		d.at = d.at.Add(keepDeleted / 2)
		d.open()
		if len(d.named("bad").closed()) != 1 {
			t.Fatal("dropped too early")
		}
		d.deliver()
	}
	d.deliver()
	if got := d.metric("heliograph_delivery_stream_objects_total dropped"); got != 1 || len(d.streams.all()) != 0 {
		t.Errorf("%v files are dropped, %d buffers are left", got, len(d.streams.all()))
	}
}

func TestFileThatSomebodyRemoved(t *testing.T) {
	d := newDesk(t)
	d.make(events)
	d.put(strings.Repeat("x", 120))
	b := d.only()
	if err := os.Remove(filepath.Join(b.directory, b.closed()[0])); err != nil {
		t.Fatal(err)
	}
	d.put(strings.Repeat("y", 120))
	d.deliver()
	if got := values(d.delivered()); len(got) != 1 || got[0] != strings.Repeat("y", 120)+"\n" {
		t.Errorf("delivered %q", got)
	}
}

// Run delivers by itself, and leaves what is open where it is.
func TestRun(t *testing.T) {
	d := newDesk(t)
	d.make(events)
	d.put(strings.Repeat("x", 120))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		d.streams.Run(ctx)
		close(ended)
	}()
	for len(d.only().closed()) > 0 {
		time.Sleep(time.Millisecond)
	}
	d.put("open")
	stop()
	<-ended
	d.put("after the end")
	d.open()
	if err := d.streams.Flush(t.Context(), customer, "events"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(values(d.delivered()), ""); !strings.Contains(got, "open\nafter the end\n") {
		t.Errorf("delivered %q", got)
	}
}

// A deletion does not wait longer than it says for a target that hangs.
func TestDeletionDoesNotHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &buffer{definition: definition{Account: customer, Stream: events}, delivering: make(chan struct{}, 1)}
		b.delivering <- struct{}{}
		s := &Streams{buffers: map[definition]*buffer{b.definition: b}}
		ctx, cancel := context.WithTimeout(t.Context(), flushTime)
		defer cancel()
		if err := s.Flush(ctx, customer, "events"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("flushed: %v", err)
		}
	})
}
