package firehose

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/destination"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// Options are what Streams are made of.
type Options struct {
	Directory         *resources.Directory
	Partition, Region string // of the streams' ARNs
	Buffers           string // directory of the buffers
	Target            Target
	// MayUseRole says why the role of a stream, which has this ARN, cannot be taken on, and
	// where a key is given, why it may not put the object; nil: it is not asked.
	MayUseRole func(account, arn string, stream sms.DeliveryStream, key string) error
	Metrics    prometheus.Registerer
	Log        *slog.Logger
	Now        func() time.Time
}

// Streams are the buffers of all delivery streams on this node.
type Streams struct {
	o       Options
	metrics *metrics
	room    chan struct{} // an element for each delivery under way

	mu      sync.Mutex
	buffers map[definition]*buffer
}

// Open opens the buffers that there are from before.
func Open(o Options) (*Streams, error) {
	s := &Streams{o: o, buffers: map[definition]*buffer{}, room: make(chan struct{}, maxDeliveries)}
	s.metrics = newMetrics(o.Metrics, o.Now, s.oldest)
	all, err := found(o.Buffers, func(path string, err error) {
		if !errors.Is(err, fs.ErrNotExist) { // one without a definition never had records
			o.Log.Error("a directory is not taken for the buffer of a delivery stream", "path", path, "error", err)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("find the buffers of delivery streams: %w", err)
	}
	for path, k := range all {
		if s.buffers[k.definition], err = openBuffer(path, k, o.Now()); err != nil {
			return nil, fmt.Errorf("open the buffer of delivery stream %s: %w", k.Stream.Name, err)
		}
	}
	return s, nil
}

// ErrNoStream is answered for records to a stream that is not there.
var ErrNoStream = errors.New("no such delivery stream")

// Put takes records into a stream. They are durable when it returns nil.
func (s *Streams) Put(account, name string, records [][]byte) error {
	for {
		d, ok := s.definition(account, name)
		if !ok {
			return ErrNoStream
		}
		b, err := s.buffer(d)
		if err != nil {
			return fmt.Errorf("open the buffer of delivery stream %s: %w", name, err)
		}
		bytes, err := b.add(records, s.o.Now())
		if errors.Is(err, errRetired) {
			continue // the stream was deleted, and perhaps made again
		}
		if err != nil {
			return fmt.Errorf("buffer records of delivery stream %s: %w", name, err)
		}
		s.metrics.records.Add(float64(len(records)))
		s.metrics.bytes.Add(float64(bytes))
		return nil
	}
}

func (s *Streams) arn(account, name string) string {
	return "arn:" + s.o.Partition + ":firehose:" + s.o.Region + ":" + account + ":deliverystream/" + name
}

func (s *Streams) mayUseRole(account string, stream sms.DeliveryStream, key string) error {
	if s.o.MayUseRole == nil {
		return nil
	}
	return s.o.MayUseRole(account, s.arn(account, stream.Name), stream, key)
}

// definition is that of the stream that has a name now.
func (s *Streams) definition(account, name string) (definition, bool) {
	snapshot := s.o.Directory.Account(account)
	if snapshot == nil {
		return definition{}, false
	}
	item := snapshot.DeliveryStreams.Get(name)
	if item == nil {
		return definition{}, false
	}
	return definition{account, item.Created.UnixMilli(), item.Value}, true
}

func (s *Streams) buffer(d definition) (*buffer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.buffers[d]; b != nil {
		return b, nil
	}
	path, err := d.path()
	if err != nil {
		return nil, err
	}
	b, err := openBuffer(filepath.Join(s.o.Buffers, path), kept{definition: d}, s.o.Now())
	if err == nil {
		s.buffers[d] = b
	}
	return b, err
}

func (s *Streams) all() []*buffer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.buffers))
}

func (s *Streams) oldest() (oldest time.Time) {
	for _, b := range s.all() {
		if at := b.oldest(); !at.IsZero() && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
	}
	return oldest
}

// Publisher hands events to a stream.
func (s *Streams) Publisher(account, name string) destination.Publisher {
	return publisher{s, account, name}
}

type publisher struct {
	streams       *Streams
	account, name string
}

// Publish takes the batch into the stream's buffer.
func (p publisher) Publish(_ context.Context, batch []destination.Item) error {
	records := make([][]byte, len(batch))
	for i := range batch {
		records[i] = batch[i].JSON
	}
	return p.streams.Put(p.account, p.name, records)
}
