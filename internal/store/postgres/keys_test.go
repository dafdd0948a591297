//go:build postgres

package postgres

import (
	"bytes"
	"context"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heliograph/internal/resources"
	"heliograph/internal/seal"
	"heliograph/internal/store"
)

// crowd is a Sealer that lets nobody open anything before as many are there as read at
// once.
type crowd struct {
	store.Sealer
	missing atomic.Int64
	there   chan struct{}
}

func (c *crowd) Open(dst, sealed, about []byte) ([]byte, error) {
	if c.missing.Add(-1) == 0 {
		close(c.there)
	}
	<-c.there
	return c.Sealer.Open(dst, sealed, about)
}

// testUnknownKeys: all connections that read hold rows of a data key that the node does
// not know. It learns the key beside them, and of a key that there is not, that it is none.
func testUnknownKeys(t *testing.T, r *rig) {
	master, err := seal.NewMaster(bytes.Repeat([]byte{1}, seal.KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	url := r.database()
	var reloads atomic.Int64
	node := func(readers int, gate func(store.Sealer) store.Sealer) (*Engine, *seal.Keyring) {
		var e *Engine
		k := seal.New(seal.Options{Masters: []seal.Master{master}, Reload: func(ctx context.Context) (seal.DataKeys, error) {
			reloads.Add(1)
			rows, err := e.Resources(ctx, "")
			if err != nil {
				return nil, err
			}
			return resources.DataKeysOf(rows)
		}})
		e = open(t, url, Options{Readers: readers, Sealer: gate(k)})
		return e, k
	}
	const readers = 2
	reading, _ := node(readers, func(s store.Sealer) store.Sealer {
		c := &crowd{Sealer: s, there: make(chan struct{})}
		c.missing.Store(readers)
		return c
	})
	writing, keys := node(readers, func(s store.Sealer) store.Sealer { return s })
	fence, err := writing.Join(t.Context(), "node")
	if err != nil {
		t.Fatal(err)
	}
	committer := store.NewCommitter(writing, fence, store.CommitterOptions{})
	defer committer.Close()
	directory, err := resources.Open(t.Context(), writing, committer, "aws", "us-east-1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Take(t.Context(), directory); err != nil {
		t.Fatal(err)
	}
	older := append([]byte{store.SealMarker, 9}, bytes.Repeat([]byte{7}, 62)...) // from before there was encryption
	unsealed := open(t, url, Options{})
	other, err := unsealed.Join(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	put := func(e *Engine, f store.Fence, key int64, doc []byte) {
		c := &store.Change{Entries: []store.EntryWrite{{Entry: store.Entry{EntryKey: store.EntryKey{List: 1, Key: key}, Doc: doc}}}}
		if err := e.Apply(t.Context(), f, []*store.Change{c}); err != nil || c.Err != nil {
			t.Fatal(err, c.Err)
		}
	}
	put(writing, fence, 1, []byte("text"))
	put(unsealed, other, 2, older)

	reloads.Store(0)
	var all sync.WaitGroup
	for range 4 * readers {
		all.Go(func() {
			got, err := reading.EntriesAfter(t.Context(), store.EntryScan{List: 1, After: math.MinInt64, Limit: 10})
			if err != nil || len(got) != 2 || string(got[0].Doc) != "text" || !bytes.Equal(got[1].Doc, older) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	all.Wait()
	if n := reloads.Load(); n != 2 {
		t.Errorf("the data keys were read %d times", n)
	}
}
