package audit

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Old files are deleted, but for those that are still needed, and the chain holds from
// the oldest that is left.
func TestExpire(t *testing.T) {
	directory := many(t)
	now := noon.Add(400*24*time.Hour + time.Hour)
	o := options(directory, &now)
	var said bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&said, nil))
	l := open(t, o)
	before, _ := logFiles(directory)
	if err := l.Expire(0); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "not delivered yet") {
		t.Errorf("nothing tells that files are kept for their delivery:\n%s", &said)
	}
	if err := l.Expire(before[2].first - 1); err != nil {
		t.Fatal(err)
	}
	after, _ := logFiles(directory)
	if len(after) != len(before)-2 || after[0].first != before[2].first {
		t.Fatalf("%v of %v", after, before)
	}
	report, err := Verify(directory)
	if err != nil || report.First != before[2].first {
		t.Fatalf("%+v, %v", report, err)
	}
	now = now.Add(48 * time.Hour)
	if err := l.Expire(1000); err != nil {
		t.Fatal(err)
	}
	if report, err = Verify(directory); err != nil || report.First <= before[2].first {
		t.Fatalf("%+v, %v", report, err)
	}
	// A deletion that was interrupted before the file went.
	if err := os.Remove(filepath.Join(directory, anchorFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(directory); err == nil {
		t.Error("a log whose beginning is gone is taken")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestInterruptedDeletion(t *testing.T) {
	directory := many(t)
	now := noon
	l := open(t, options(directory, &now))
	files, _ := logFiles(directory)
	old, err := os.ReadFile(filepath.Join(directory, files[0].name))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.forget(files[0], files[1]); err != nil {
		t.Fatal(err)
	}
	verified(t, directory, 31-files[1].first)
	if err := os.WriteFile(filepath.Join(directory, files[0].name), old, 0o600); err != nil {
		t.Fatal(err)
	}
	verified(t, directory, 30)
}

// A follower is given all lines once, across files, restarts and what fails.
func TestFollow(t *testing.T) {
	directory := many(t)
	synctest.Test(t, func(t *testing.T) {
		now := noon.Add(25 * time.Hour)
		l := open(t, options(directory, &now))
		var got []uint64
		fails := 2
		run := func() (stop func()) {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				l.follow(ctx, "test", func(_ context.Context, batch []Line) error {
					if fails > 0 {
						fails--
						return errors.New("away")
					}
					for _, line := range batch {
						got = append(got, line.Sequence)
					}
					return nil
				})
			}()
			return func() { cancel(); <-done }
		}
		stop := run()
		time.Sleep(time.Minute)
		record(t, l, call(30, false))
		flush(t, l)
		time.Sleep(time.Minute)
		stop()
		stop = run()
		record(t, l, call(31, true), call(32, false))
		flush(t, l)
		time.Sleep(time.Minute)
		stop()
		for i, n := range got {
			if n != uint64(i+1) {
				t.Fatalf("given: %v", got)
			}
		}
		if len(got) != 33 {
			t.Errorf("given: %v", got)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
