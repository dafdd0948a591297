package firehose

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"heliograph/internal/sms"
)

const (
	lookEvery     = time.Second
	maxDeliveries = 16 // streams that are delivered at a time
	// A delivery has this time, and a second more for each MiB of its file.
	deliverTime  = time.Minute
	pauseAtFirst = time.Second
	pauseAtMost  = time.Minute
	// keepDeleted is how long the files of a deleted stream are tried.
	keepDeleted = 24 * time.Hour
)

// Run closes and delivers files until ctx ends.
func (s *Streams) Run(ctx context.Context) {
	var deliveries sync.WaitGroup
	for ctx.Err() == nil {
		s.look(ctx, &deliveries)
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
	}
	deliveries.Wait()
	for _, b := range s.all() {
		if err := b.release(); err != nil {
			s.o.Log.Warn("the buffer of a delivery stream did not close in order", "stream", b.definition.Stream.Name, "error", err)
		}
	}
}

// look closes what is due, of every stream, and starts to deliver what is closed, of
// each stream that does not pause. What is left of a stream that was deleted is
// delivered too; then its buffer goes.
func (s *Streams) look(ctx context.Context, deliveries *sync.WaitGroup) {
	now := s.o.Now()
	for _, b := range s.all() {
		var err error
		if d, ok := s.definition(b.definition.Account, b.definition.Stream.Name); !ok || d != b.definition {
			err = b.delete(now)
		}
		err = errors.Join(err, b.closeDue(now))
		if b.paused(now) {
			continue
		}
		if err != nil {
			s.fail(b, fmt.Errorf("close the file: %w", err))
			continue
		}
		if len(b.closed()) == 0 {
			if !b.deletedSince().IsZero() {
				s.retire(b)
			}
			continue
		}
		select {
		case b.delivering <- struct{}{}:
			deliveries.Go(func() {
				defer func() { <-b.delivering }()
				if err := s.deliver(ctx, b); err != nil && ctx.Err() == nil {
					s.fail(b, err)
				}
			})
		default: // it is being delivered
		}
	}
}

// fail makes a stream pause. Others go on.
func (s *Streams) fail(b *buffer, err error) {
	s.o.Log.Error("files of a delivery stream are not delivered yet; trying again", "account", b.definition.Account,
		"stream", b.definition.Stream.Name, "files", len(b.closed()), "pause", b.failed(s.o.Now()), "error", err)
}

// retire removes the buffer of a deleted stream, once it holds nothing.
func (s *Streams) retire(b *buffer) {
	gone, err := b.retire()
	if err != nil {
		s.o.Log.Warn("the empty buffer of a deleted delivery stream is not removed", "stream", b.definition.Stream.Name, "error", err)
	}
	if gone {
		s.mu.Lock()
		delete(s.buffers, b.definition)
		s.mu.Unlock()
	}
}

// Flush closes and delivers what a stream, and those of the name before it, have
// gathered on this node, however little.
func (s *Streams) Flush(ctx context.Context, account, name string) error {
	var failed error
	for _, b := range s.all() {
		if b.definition.Account != account || b.definition.Stream.Name != name {
			continue
		}
		if err := b.close(); err != nil {
			failed = errors.Join(failed, fmt.Errorf("close the file of delivery stream %s: %w", name, err))
			continue
		}
		select {
		case b.delivering <- struct{}{}:
		case <-ctx.Done():
			return errors.Join(failed, ctx.Err())
		}
		failed = errors.Join(failed, s.deliver(ctx, b))
		<-b.delivering
	}
	return failed
}

// deliver delivers the closed files of a buffer, as soon as there is room for it.
func (s *Streams) deliver(ctx context.Context, b *buffer) error {
	select {
	case s.room <- struct{}{}:
		defer func() { <-s.room }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, name := range b.closed() {
		err := s.deliverFile(ctx, b, name)
		if errors.Is(err, errMissing) {
			s.o.Log.Error("a file of a delivery stream is gone that was not delivered", "stream", b.definition.Stream.Name, "file", name)
			s.metrics.objects.WithLabelValues(outcomeDropped).Inc()
		} else if err != nil && ctx.Err() != nil {
			return ctx.Err()
		} else if err != nil {
			s.metrics.objects.WithLabelValues(outcomeFailed).Inc()
			if at := b.deletedSince(); !at.IsZero() && s.o.Now().Sub(at) >= keepDeleted {
				return s.drop(b, err)
			}
			return fmt.Errorf("deliver a file: %w", err)
		} else {
			s.metrics.objects.WithLabelValues(outcomeDelivered).Inc()
		}
		if err := b.remove(name); err != nil {
			return err
		}
	}
	b.succeeded()
	return nil
}

// drop removes the files of a stream that was deleted long ago.
func (s *Streams) drop(b *buffer, because error) error {
	for _, name := range b.closed() {
		if err := b.remove(name); err != nil {
			return err
		}
		s.o.Log.Error("a file of a deleted delivery stream is dropped: it could not be delivered", "account", b.definition.Account,
			"stream", b.definition.Stream.Name, "file", name, "after", keepDeleted, "error", because)
		s.metrics.objects.WithLabelValues(outcomeDropped).Inc()
	}
	return nil
}

var errMissing = errors.New("the file is not there")

func (s *Streams) deliverFile(ctx context.Context, b *buffer, name string) error {
	path := filepath.Join(b.directory, name)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return errMissing
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, deliverTime+time.Duration(info.Size()/megabyte)*time.Second)
	defer cancel()
	key, err := objectKey(b.definition.Stream, name)
	if err != nil {
		return err
	}
	if err := s.mayUseRole(b.definition.Account, b.definition.Stream, key); err != nil {
		return err
	}
	o := Object{Account: b.definition.Account, Bucket: bucketName(b.definition.Stream.BucketARN), Key: key}
	return s.o.Target.Put(ctx, o, func(w io.Writer) error { return content(ctx, path, b.definition.Stream.Compression, w) })
}

// objectKey is the key of a closed file: PREFIXyyyy/MM/dd/HH/ and a name of the stream,
// the version of its definition, the time and a UUID, as Amazon Data Firehose names
// them (UTC).
func objectKey(stream sms.DeliveryStream, name string) (string, error) {
	at, id, err := closedFile(name)
	if err != nil {
		return "", err
	}
	key := stream.Prefix + at.Format("2006/01/02/15/") + stream.Name + "-1-" + at.Format("2006-01-02-15-04-05") + "-" + id
	if stream.Compression == compressionGzip {
		key += ".gz"
	}
	return key, nil
}

// content writes a closed file as it is delivered, piece by piece.
func content(ctx context.Context, path, compression string, w io.Writer) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	text := whileAlive{ctx, file}
	if compression != compressionGzip {
		_, err := io.Copy(w, text)
		return err
	}
	zipped := gzip.NewWriter(w)
	if _, err := io.Copy(zipped, text); err != nil {
		return err
	}
	return zipped.Close()
}

// whileAlive reads until its context ends.
type whileAlive struct {
	ctx context.Context
	io.Reader
}

func (r whileAlive) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

func bucketName(arn string) string {
	return strings.TrimPrefix(arn[strings.LastIndexByte(arn, ':')+1:], "/")
}
