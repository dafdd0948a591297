package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"testing"

	"heliograph/internal/accept"
	"heliograph/internal/datadir"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

// unsealed writes entries into the database of a directory as they were from before there
// was encryption.
func unsealed(t *testing.T, directory string, entries ...store.Entry) {
	t.Helper()
	engine, err := sqlite.Open(t.Context(), datadir.Database(directory), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	fence, err := engine.Join(t.Context(), "older")
	if err != nil {
		t.Fatal(err)
	}
	change := &store.Change{}
	for _, e := range entries {
		change.Entries = append(change.Entries, store.EntryWrite{Entry: e})
	}
	if err := engine.Apply(t.Context(), fence, []*store.Change{change}); err != nil || change.Err != nil {
		t.Fatal(err, change.Err)
	}
}

// What is known of a request by its idempotency key is a digest. One from before there was
// encryption is still read, also where it begins as what is sealed with the first data
// key does.
func TestOlderIdempotencyKeys(t *testing.T) {
	directory := t.TempDir()
	const lines = "tier: production\n" + carriersOfTest + `numbers:
- {number: "+447700900001", country: GB, type: LONG_CODE, parts_per_second: 5}
`
	request := accept.Request{Destination: "+447700900123", OriginationIdentity: "+447700900001", Body: "once"}
	var digest [sha256.Size]byte
	for n := 0; digest[0] != store.SealMarker || digest[1] != 1; n++ {
		request.IdempotencyKey = fmt.Sprint("key ", n)
		asked, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		digest = sha256.Sum256(asked)
	}
	s, end := serviceOf(t, directory, lines)
	account := s.cfg.Account
	lease(t, s.directory, account)
	first, err := s.accept.Send(t.Context(), s.directory.Account(account), request)
	if err != nil {
		t.Fatal(err)
	}
	list := store.ListID("idempotency", account)
	known, err := s.lists.EntriesAfter(t.Context(), store.EntryScan{List: list, After: math.MinInt64, Limit: 2})
	if err != nil || len(known) != 1 || !bytes.Equal(known[0].Doc, digest[:]) {
		t.Fatalf("of the request %x, %+v is known: %v", digest, known, err)
	}
	end()
	unsealed(t, directory, known[0])
	s, end = serviceOf(t, directory, lines)
	defer end()
	again, err := s.accept.Send(t.Context(), s.directory.Account(account), request)
	if err != nil || again != first {
		t.Errorf("the request that came again is %s, and not %s: %v", again, first, err)
	}
}

// Rows from before there was encryption that name any data key are read, by more at once
// than there are connections that read.
func TestOlderRows(t *testing.T) {
	directory := t.TempDir()
	_, end := serviceOf(t, directory, carriersOfTest)
	end()
	var older []store.Entry
	for i := range int64(256) {
		for j, length := range []int{sha256.Size, 2 * sha256.Size} {
			if i == 1 && length > sha256.Size {
				continue // as long as what is sealed, and of a data key that there is
			}
			doc := append([]byte{store.SealMarker, byte(i)}, bytes.Repeat([]byte{7}, length-2)...)
			older = append(older, store.Entry{EntryKey: store.EntryKey{List: 1, Key: 2*i + int64(j)}, Doc: doc})
		}
	}
	unsealed(t, directory, older...)
	s, end := serviceOf(t, directory, carriersOfTest)
	defer end()
	var readers sync.WaitGroup
	for range 16 {
		readers.Go(func() {
			got, err := s.lists.EntriesAfter(context.Background(), store.EntryScan{List: 1, After: math.MinInt64, Limit: 1000})
			if err != nil || len(got) != len(older) {
				t.Errorf("%d entries: %v", len(got), err)
				return
			}
			for i := range got {
				if got[i].Key != older[i].Key || !bytes.Equal(got[i].Doc, older[i].Doc) {
					t.Errorf("entry %d was read as %x", older[i].Key, got[i].Doc)
				}
			}
		})
	}
	readers.Wait()
}
