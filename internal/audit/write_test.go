package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// forgetful is a file some of whose syncs fail, and drop what was to be written, as
// systems do; the next one succeeds as if nothing had been.
type forgetful struct {
	*os.File
	fails int   // syncs that will fail
	kept  int64 // octets that a sync has succeeded for
}

func (f *forgetful) Sync() error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if f.fails > 0 {
		f.fails--
		return errors.Join(syscall.EIO, f.File.Truncate(min(f.kept, info.Size())), f.File.Truncate(info.Size())) // zeros are left
	}
	f.kept = info.Size()
	return f.File.Sync()
}

// failing has the log's file be a forgetful one.
func failing(l *Log, fails int) { l.file = &forgetful{l.file.(*os.File), fails, l.durable} }

// What a sync that failed may have dropped is written again, to a new file, and no call
// is taken as recorded before that is on disk.
func TestSyncFails(t *testing.T) {
	for _, fails := range []int{1, 3} {
		t.Run(fmt.Sprint(fails), func(t *testing.T) {
			directory, now := t.TempDir(), noon
			l := open(t, options(directory, &now))
			record(t, l, call(1, false))
			flush(t, l)
			failing(l, fails)
			record(t, l, call(2, false), call(3, true))
			if err := l.Flush(); err == nil {
				t.Fatal("a sync that failed is none")
			}
			for range fails / 2 { // two tries each
				if err := l.Ready(); err == nil {
					t.Error("it is ready while nothing can be brought to disk")
				}
				if err := l.Record(call(9, false)); err == nil {
					t.Error("a change is recorded that is not on disk")
				}
			}
			if err := l.Ready(); err != nil {
				t.Fatal(err)
			}
			record(t, l, call(4, false))
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			got := names(t, directory)
			if got[0] != "Call1" || got[1] != "Call2" || got[2] != "Call3" || got[len(got)-1] != "Call4" {
				t.Errorf("%v", got)
			}
			if r := verified(t, directory, uint64(len(got))); r.Files != 2 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// With audit.sync: each, a call is refused whose record was dropped, and its record is
// there all the same, once. A file that has nothing on disk yet is begun again.
func TestSyncEachFails(t *testing.T) {
	directory, now := t.TempDir(), noon
	o := options(directory, &now)
	o.SyncEach = true
	l := open(t, o)
	failing(l, 1)
	if err := l.Record(call(1, false)); err == nil {
		t.Error("a change is recorded that is not on disk")
	}
	record(t, l, call(2, false))
	l = open(t, o) // after a crash
	record(t, l, call(3, false))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(names(t, directory)); got != "[Call1 Call2 Call3]" {
		t.Error(got)
	}
	if r := verified(t, directory, 3); r.Files != 1 {
		t.Errorf("%+v", r)
	}
}

// Nobody is given a line that is not on disk.
func TestReaderWaitsForDisk(t *testing.T) {
	directory, now := t.TempDir(), noon
	l := open(t, options(directory, &now))
	var got []uint64
	d := l.delivery("test", func(_ context.Context, b Batch) error {
		for _, line := range b.Lines {
			got = append(got, line.Sequence)
		}
		return nil
	})
	defer d.from.close()
	step := func(want string) {
		t.Helper()
		for more := true; more; {
			var err error
			if more, err = d.batch(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if fmt.Sprint(got) != want {
			t.Errorf("given: %v, not %s", got, want)
		}
	}
	record(t, l, call(1, false))
	step("[]")
	flush(t, l)
	step("[1]")
	failing(l, 1)
	record(t, l, call(2, false))
	step("[1]")
	if err := l.Flush(); err == nil {
		t.Error("a sync that failed is none")
	}
	step("[1]")
	flush(t, l)
	record(t, l, call(3, false))
	flush(t, l)
	step("[1 2 3]")
	l.busy.Wait()
}

// What a process finds behind the head may be in memory alone: it writes it again.
func TestResumeWritesAgain(t *testing.T) {
	directory, now := t.TempDir(), noon
	l := open(t, options(directory, &now))
	record(t, l, call(1, false))
	flush(t, l)
	record(t, l, call(2, false))
	path, old := filepath.Join(directory, l.of.name), noon.Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	l = open(t, options(directory, &now))
	info, err := os.Stat(path)
	if err != nil || info.ModTime().Equal(old) || l.onDisk() != 2 {
		t.Errorf("written at %v; %d lines are on disk: %v", info.ModTime(), l.onDisk(), err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	verified(t, directory, 2)
}
