package local

import (
	"container/heap"
	"context"
	"crypto/sha256"
	"errors"
	"path/filepath"
	"time"

	"heliograph/internal/store"
)

// ReadOptions say which events to read. An empty name means all.
type ReadOptions struct {
	Account          string
	ConfigurationSet string
	Follow           bool          // go on with events to come until the context ends
	Poll             time.Duration // how often to look for these; 0: 200 ms
	Sealer           store.Sealer  // opens lines that are encrypted; nil: they are an error
}

// Read calls each with every event that is in the directory, as its JSON without
// a line end, valid during the call. Files are merged by the events' times and
// each is read in its order; an event that is there several times, because
// several destinations asked for it or because it was published again, is given
// once. A directory that does not exist has no events.
//
// Without Follow it returns at the end of the files, else when ctx ends, with a
// nil error. It returns the first error of each.
func Read(ctx context.Context, directory string, o ReadOptions, each func(line []byte) error) (err error) {
	if o.Poll <= 0 {
		o.Poll = 200 * time.Millisecond
	}
	r := reader{directory: directory, o: o, streams: map[string]*stream{}}
	defer func() { err = errors.Join(err, r.close()) }()
	for {
		if err := r.discover(); err != nil {
			return err
		}
		if err := r.drain(ctx, each); err != nil {
			return err
		}
		if !o.Follow {
			return ctx.Err()
		}
		timer := time.NewTimer(o.Poll)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

type reader struct {
	directory string
	o         ReadOptions
	streams   map[string]*stream
	given     recent
}

// discover finds the event destinations that have files.
func (r *reader) discover() error {
	accounts, err := readDirectory(r.directory)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		if !account.IsDir() || r.o.Account != "" && r.o.Account != account.Name() {
			continue
		}
		sets, err := readDirectory(filepath.Join(r.directory, account.Name()))
		if err != nil {
			return err
		}
		for _, set := range sets {
			if !set.IsDir() || r.o.ConfigurationSet != "" && r.o.ConfigurationSet != set.Name() {
				continue
			}
			directory := filepath.Join(r.directory, account.Name(), set.Name())
			files, err := readDirectory(directory)
			if err != nil {
				return err
			}
			for _, f := range files {
				name, _, ok := parseName(f.Name())
				if key := filepath.Join(directory, name); ok && r.streams[key] == nil {
					r.streams[key] = &stream{directory: directory, name: name, sealer: r.o.Sealer, about: aboutLine(account.Name(), set.Name(), name)}
				}
			}
		}
	}
	return nil
}

// drain gives all lines that there are now.
func (r *reader) drain(ctx context.Context, each func([]byte) error) error {
	var lines byTime
	for _, s := range r.streams {
		found, err := s.next()
		if err != nil {
			return err
		}
		if found {
			lines = append(lines, s)
		}
	}
	heap.Init(&lines)
	for len(lines) > 0 && ctx.Err() == nil {
		s := lines[0]
		if r.given.add(s.line) {
			if err := each(s.line); err != nil {
				return err
			}
		}
		found, err := s.next()
		if err != nil {
			return err
		}
		if found {
			heap.Fix(&lines, 0)
		} else {
			heap.Pop(&lines)
		}
	}
	return nil
}

func (r *reader) close() error {
	var err error
	for _, s := range r.streams {
		err = errors.Join(err, s.close())
	}
	return err
}

// byTime is a heap of streams that have a line, the earliest line first.
type byTime []*stream

func (b byTime) Len() int { return len(b) }
func (b byTime) Less(i, j int) bool {
	return b[i].at < b[j].at || b[i].at == b[j].at && b[i].name < b[j].name
}
func (b byTime) Swap(i, j int) { b[i], b[j] = b[j], b[i] }
func (b *byTime) Push(x any)   { *b = append(*b, x.(*stream)) }
func (b *byTime) Pop() any {
	last := len(*b) - 1
	s := (*b)[last]
	*b = (*b)[:last]
	return s
}

// recent remembers the lines given last, by their hashes, to tell copies. The
// copies of an event are close to each other: in files that are merged by time,
// or among the last events before a crash.
type recent struct {
	young, old map[[16]byte]struct{}
}

// recentLines is how many lines are remembered at least.
const recentLines = 1 << 18

// add is false for a line that was added before.
func (r *recent) add(line []byte) bool {
	sum := sha256.Sum256(line)
	hash := [16]byte(sum[:16])
	if _, known := r.young[hash]; known {
		return false
	}
	if _, known := r.old[hash]; known {
		return false
	}
	if r.young == nil || len(r.young) >= recentLines {
		r.old, r.young = r.young, map[[16]byte]struct{}{}
	}
	r.young[hash] = struct{}{}
	return true
}
