package firehose

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"heliograph/internal/destination"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// Options are what Streams are made of.
type Options struct {
	Directory *resources.Directory
	Buffers   string // directory of the buffers
	Target    Target
	Log       *slog.Logger
	Now       func() time.Time
}

// Streams are the buffers of all delivery streams on this node.
type Streams struct {
	o Options

	mu      sync.Mutex
	buffers map[streamKey]*buffer
}

type streamKey struct{ account, name string }

// Open opens the buffers that there are from before.
func Open(o Options) (*Streams, error) {
	s := &Streams{o: o, buffers: map[streamKey]*buffer{}}
	paths, err := filepath.Glob(filepath.Join(o.Buffers, "*", "*"))
	if err != nil {
		return nil, fmt.Errorf("find the buffers of delivery streams: %w", err)
	}
	for _, path := range paths {
		key := streamKey{filepath.Base(filepath.Dir(path)), filepath.Base(path)}
		if s.buffers[key], err = openBuffer(path, o.Now()); err != nil {
			return nil, fmt.Errorf("open the buffer of delivery stream %s: %w", key.name, err)
		}
	}
	return s, nil
}

// ErrNoStream is answered for records to a stream that is not there.
var ErrNoStream = errors.New("no such delivery stream")

// Put takes records into a stream. They are durable when it returns nil.
func (s *Streams) Put(account, name string, records [][]byte) error {
	if s.stream(account, name) == nil {
		return ErrNoStream
	}
	b, err := s.buffer(streamKey{account, name})
	if err != nil {
		return fmt.Errorf("open the buffer of delivery stream %s: %w", name, err)
	}
	if err := b.add(records, s.o.Now()); err != nil {
		return fmt.Errorf("buffer records of delivery stream %s: %w", name, err)
	}
	return nil
}

func (s *Streams) stream(account, name string) *sms.DeliveryStream {
	snapshot := s.o.Directory.Account(account)
	if snapshot == nil {
		return nil
	}
	item := snapshot.DeliveryStreams.Get(name)
	if item == nil {
		return nil
	}
	return &item.Value
}

func (s *Streams) buffer(key streamKey) (*buffer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.buffers[key]; b != nil {
		return b, nil
	}
	b, err := openBuffer(filepath.Join(s.o.Buffers, key.account, key.name), s.o.Now())
	if err == nil {
		s.buffers[key] = b
	}
	return b, err
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

const (
	lookEvery    = time.Second
	deliverTime  = time.Minute
	pauseAtFirst = time.Second
	pauseAtMost  = time.Minute
)

// Run closes and delivers files until ctx ends.
func (s *Streams) Run(ctx context.Context) {
	pause := pauseAtFirst
	for wait := time.Duration(0); ; {
		select {
		case <-ctx.Done():
			s.release()
			return
		case <-time.After(wait):
		}
		wait = lookEvery
		if err := s.deliver(ctx, false); err != nil && ctx.Err() == nil {
			s.o.Log.Error("files of delivery streams are not delivered yet; trying again", "pause", pause, "error", err)
			wait, pause = pause, min(2*pause, pauseAtMost)
			continue
		}
		pause = pauseAtFirst
	}
}

func (s *Streams) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, b := range s.buffers {
		if err := b.release(); err != nil {
			s.o.Log.Warn("the buffer of a delivery stream did not close in order", "stream", key.name, "error", err)
		}
	}
}

// Flush closes and delivers what a stream has gathered, however little.
func (s *Streams) Flush(ctx context.Context, account, name string) error {
	key := streamKey{account, name}
	stream := s.stream(account, name)
	s.mu.Lock()
	b := s.buffers[key]
	s.mu.Unlock()
	if b == nil || stream == nil {
		return nil
	}
	if err := b.close(); err != nil {
		return fmt.Errorf("close the file of delivery stream %s: %w", name, err)
	}
	return s.deliverClosed(ctx, b, *stream)
}

// deliver closes what is due, or all of it, and delivers what is closed. What is left
// of a stream that was deleted goes.
func (s *Streams) deliver(ctx context.Context, all bool) error {
	s.mu.Lock()
	buffers := make(map[streamKey]*buffer, len(s.buffers))
	for key, b := range s.buffers {
		buffers[key] = b
	}
	s.mu.Unlock()
	var failed error
	for key, b := range buffers {
		stream := s.stream(key.account, key.name)
		if stream == nil {
			failed = errors.Join(failed, s.drop(key, b))
			continue
		}
		if all || b.due(stream.BufferBytes, stream.BufferInterval, s.o.Now()) {
			if err := b.close(); err != nil {
				failed = errors.Join(failed, fmt.Errorf("close the file of delivery stream %s: %w", key.name, err))
				continue
			}
		}
		failed = errors.Join(failed, s.deliverClosed(ctx, b, *stream))
	}
	return failed
}

func (s *Streams) drop(key streamKey, b *buffer) error {
	s.mu.Lock()
	delete(s.buffers, key)
	s.mu.Unlock()
	return errors.Join(b.release(), os.RemoveAll(b.directory))
}

func (s *Streams) deliverClosed(ctx context.Context, b *buffer, stream sms.DeliveryStream) error {
	names, err := b.closed()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, deliverTime)
	defer cancel()
	for _, name := range names {
		path := filepath.Join(b.directory, name)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		key, body, err := object(stream, name, text)
		if err != nil {
			return err
		}
		if err := s.o.Target.Put(ctx, bucketName(stream.BucketARN), key, body); err != nil {
			return fmt.Errorf("deliver a file of stream %s: %w", stream.Name, err)
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// object is the key and the content of a closed file: PREFIXyyyy/MM/dd/HH/ and a name
// of the stream, the version of its definition, the time and a UUID, as Amazon Data
// Firehose names them (UTC).
func object(stream sms.DeliveryStream, name string, text []byte) (key string, body []byte, err error) {
	stamp, id, _ := strings.Cut(strings.TrimSuffix(name, closedName), "-")
	at, err := time.Parse("20060102T150405.000000000", stamp)
	if err != nil {
		return "", nil, fmt.Errorf("the file %s has another name than this version gives: %w", name, err)
	}
	key = stream.Prefix + at.Format("2006/01/02/15/") + stream.Name + "-1-" + at.Format("2006-01-02-15-04-05") + "-" + id
	if stream.Compression != compressionGzip {
		return key, text, nil
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write(text); err != nil {
		return "", nil, err
	}
	if err := w.Close(); err != nil {
		return "", nil, err
	}
	return key + ".gz", zipped.Bytes(), nil
}

func bucketName(arn string) string {
	return strings.TrimPrefix(arn[strings.LastIndexByte(arn, ':')+1:], "/")
}
