//go:build harness

package crash

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"heliograph/internal/app"
	"heliograph/internal/config"
	"heliograph/internal/credentials"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

// snapshot is the store as a process left it when it was killed.
type snapshot struct {
	inFlight map[sms.PartID]bool // marked, without an outcome
	resend   map[sms.PartID]bool // of those, the ones that will be sent again
}

// look reads a copy of the store: the original is left for the next process to
// recover. Every message that a client was told of is there.
func (e *epoch) look() {
	e.t.Helper()
	e.before = &snapshot{inFlight: map[sms.PartID]bool{}, resend: map[sms.PartID]bool{}}
	if e.key.Secret == "" {
		return // no client was told of anything yet
	}
	dir, err := os.MkdirTemp(memory(), "heliograph-snapshot-")
	if err != nil {
		e.t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"heliograph.db", "heliograph.db-wal"} {
		if err := copyFile(filepath.Join(dir, name), e.data(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			e.t.Fatal(err)
		}
	}
	engine, err := sqlite.Open(e.t.Context(), filepath.Join(dir, "heliograph.db"), sqlite.Options{CacheSize: 8 << 20, Readers: 1, Ballast: -1, Sealer: keysIn(e.t, e.data())})
	if err != nil {
		e.t.Fatalf("the store cannot be read after a kill: %v", err)
	}
	defer engine.Close()
	e.lookForTaken(engine)
	e.before = e.marks(engine, 0)
}

// keysIn are the keys that a process which keeps its files in a directory seals with.
func keysIn(t *testing.T, dir string) store.Sealer {
	t.Helper()
	keys, err := app.LocalKeys(t.Context(), config.Config{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// lookForTaken finds the messages that clients were told of since the last look.
func (w *world) lookForTaken(engine store.Engine) {
	w.t.Helper()
	ids := w.messageIDs()
	fresh := w.ledger.given(w.seen)
	wanted := make([]sms.ID, len(fresh))
	for i, text := range fresh {
		var err error
		if wanted[i], err = ids.Parse(text); err != nil {
			w.t.Fatalf("%s: %v", text, err)
		}
	}
	found, err := engine.Messages(w.t.Context(), wanted)
	if err != nil {
		w.t.Fatal(err)
	}
	for i, m := range found {
		if m == nil {
			w.t.Errorf("a client has the MessageId %s, and it is not in the store", fresh[i])
		}
	}
	w.seen += len(fresh)
}

// marks finds the parts that are in flight by the marks of a slot.
func (w *world) marks(engine store.Engine, slot int) *snapshot {
	w.t.Helper()
	found := &snapshot{inFlight: map[sms.PartID]bool{}, resend: map[sms.PartID]bool{}}
	for after := int64(0); ; {
		rows, err := engine.Dispatches(w.t.Context(), slot, after, 1000)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, row := range rows {
			after = row.Seq
			for _, part := range row.Parts {
				w.lookAtMark(engine, part, found)
			}
		}
		if len(rows) < 1000 {
			return found
		}
	}
}

func (w *world) lookAtMark(engine store.Engine, part sms.PartID, found *snapshot) {
	w.t.Helper()
	id, number := part.Split()
	queued, awaiting, err := engine.Open(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	if queued == nil && (awaiting == nil || awaiting.Progress.Parts[number-1].State != sms.PartUnsent) {
		return
	}
	messages, err := engine.Messages(w.t.Context(), []sms.ID{id})
	if err != nil || messages[0] == nil {
		w.t.Fatalf("an open message is not in the store: %v", err)
	}
	found.inFlight[part] = true
	if messages[0].Type != sms.Promotional || w.plan.promotional == "resend" {
		found.resend[part] = true
	}
}

func (w *world) messageIDs() *sms.MessageIDs {
	w.t.Helper()
	keys, err := credentials.EnsureKeys(credentials.Options{Directory: w.nodes[0].data()})
	if err != nil {
		w.t.Fatal(err)
	}
	ids, err := sms.NewMessageIDs(keys.MessageID)
	if err != nil {
		w.t.Fatal(err)
	}
	return ids
}

// memory is a directory whose files need no disk, where there is one.
func memory() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return ""
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
