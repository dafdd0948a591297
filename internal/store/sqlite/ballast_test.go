package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func size(t *testing.T, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// While there is no room for the ballast, what becomes of messages is written and
// new ones are not taken.
func TestFullDiskTakesNoNewMessages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heliograph.db")
	e, f := joined(t, path, Options{Ballast: 1 << 20})
	if n := size(t, path+".ballast"); n != 1<<20 {
		t.Errorf("the ballast is %d bytes", n)
	}
	if err := e.Apply(t.Context(), f, []*store.Change{accept(16, 1)}); err != nil {
		t.Fatal(err)
	}
	if !e.ballast.give(time.Now()) || size(t, path+".ballast") != 0 {
		t.Error("the ballast is not given up")
	}
	e.ballast.path = filepath.Join(path, "nowhere") // there is no room for it
	taken, mark := accept(32, 1), &store.Change{Mark: []store.Dispatch{{Seq: 1, Shard: "acme", Parts: []sms.PartID{sms.ID(16).Part(1)}}}}
	for range 2 { // before it is tried again, and then
		if err := e.Apply(t.Context(), f, []*store.Change{taken, mark}); err != nil || !errors.Is(taken.Err, store.ErrFull) || taken.Events != nil || mark.Err != nil {
			t.Errorf("apply: %v; the new message: %v, %v; the mark: %v", err, taken.Err, taken.Events, mark.Err)
		}
		if err := e.Apply(t.Context(), f, []*store.Change{taken}); !errors.Is(err, store.ErrFull) {
			t.Errorf("a new message alone: %v", err)
		}
		mark = &store.Change{Unmark: []store.SlotSeq{{Seq: 1}}}
		e.ballast.next = time.Time{}
	}
	if n := count(t, e); n != 1 {
		t.Errorf("%d messages", n)
	}
	e.ballast.path = path + ".ballast"
	e.ballast.next = time.Time{}
	if err := e.Apply(t.Context(), f, []*store.Change{taken}); err != nil || taken.Err != nil || taken.Events[0].Seq != 2 {
		t.Errorf("with room: %v, %v, events %v", err, taken.Err, taken.Events)
	}
	if n := size(t, path+".ballast"); n != 1<<20 {
		t.Errorf("the ballast is %d bytes", n)
	}
}

func TestWithoutBallast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heliograph.db")
	e, f := joined(t, path, Options{Ballast: -1})
	if err := e.Apply(t.Context(), f, []*store.Change{accept(16, 1)}); err != nil {
		t.Error(err)
	}
	if e.ballast.give(time.Now()) || size(t, path+".ballast") != 0 {
		t.Error("there is ballast")
	}
}
