package usage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Prices are the prices in force: of the book that the operator imported, which is in the
// store, so that all nodes have it, or else of the one that this node was started with.
// They can change while messages are sent.
type Prices struct {
	entries    Entries
	committer  Committer
	configured *Book
	current    atomic.Pointer[inForce]
}

// Entries reads lists of the store; see store.Lists.
type Entries interface {
	Entries(ctx context.Context, keys []store.EntryKey) ([]*store.Entry, error)
}

// Committer is the store.Committer.
type Committer interface {
	Commit(change *store.Change) error
}

type inForce struct {
	book     *Book
	imported time.Time         // zero: it was not
	digest   [sha256.Size]byte // of the imported file: two may be imported in one millisecond
}

// importedBook is where the imported book is: the Doc is its CSV file, At is when it was
// imported.
var importedBook = store.EntryKey{List: store.ListID("price-book")}

// MaxBook bounds an imported book, in octets: some 20,000 rows. Within a request it is
// longer, as JSON, and a request has at most 1 MiB.
const MaxBook = 512 << 10

// OpenPrices reads the imported book, if there is one. configured holds where there is
// none.
func OpenPrices(ctx context.Context, entries Entries, committer Committer, configured *Book) (*Prices, error) {
	p := &Prices{entries: entries, committer: committer, configured: configured}
	p.current.Store(&inForce{book: configured})
	return p, p.Refresh(ctx)
}

// Price is what a part costs; see Book.Price.
func (p *Prices) Price(country, route string, at time.Time) Price {
	return p.current.Load().book.Price(country, route, at)
}

// Book is the book in force; imported is when the operator put it there, zero for the one
// that this node was started with.
func (p *Prices) Book() (book *Book, imported time.Time) {
	now := p.current.Load()
	return now.book, now.imported
}

// Import puts a book, as ReadBook reads it, in force: at once here, and within
// RefreshEvery at other nodes.
//
// Errors: Validation INVALID_PARAMETER where the book cannot be read, and names the line.
func (p *Prices) Import(file []byte, now time.Time) (rows int, err error) {
	if len(file) > MaxBook {
		return 0, sms.Invalid(sms.ReasonInvalidParameter, "csv", "The price book has %d octets; at most %d are allowed.", len(file), MaxBook)
	}
	book, err := ReadBook(bytes.NewReader(file))
	if err != nil {
		return 0, sms.Invalid(sms.ReasonInvalidParameter, "csv", "The price book cannot be used: %s.", err)
	}
	now = now.UTC().Truncate(time.Millisecond)
	if err := p.committer.Commit(&store.Change{Entries: []store.EntryWrite{{Entry: store.Entry{EntryKey: importedBook, At: now, Doc: file}}}}); err != nil {
		return 0, fmt.Errorf("keep the price book: %w", err)
	}
	p.current.Store(&inForce{book, now, sha256.Sum256(file)})
	return book.rows, nil
}

// Clear forgets the imported book: each node has the one that it was started with.
func (p *Prices) Clear() error {
	if err := p.committer.Commit(&store.Change{Entries: []store.EntryWrite{{Entry: store.Entry{EntryKey: importedBook}, Delete: true}}}); err != nil {
		return fmt.Errorf("forget the price book: %w", err)
	}
	p.current.Store(&inForce{book: p.configured})
	return nil
}

// RefreshEvery is how soon a node has the prices that another one imported.
const RefreshEvery = 15 * time.Second

// Refresh takes up what another node imported.
func (p *Prices) Refresh(ctx context.Context) error {
	before := p.current.Load()
	found, err := p.entries.Entries(ctx, []store.EntryKey{importedBook})
	if err != nil {
		return fmt.Errorf("read the price book: %w", err)
	}
	next := &inForce{book: p.configured}
	if e := found[0]; e != nil {
		if next.digest = sha256.Sum256(e.Doc); e.At.Equal(before.imported) && next.digest == before.digest {
			return nil
		}
		if next.book, err = ReadBook(bytes.NewReader(e.Doc)); err != nil {
			return fmt.Errorf("imported price book: %w", err)
		}
		next.imported = e.At
	}
	p.current.CompareAndSwap(before, next) // else somebody has imported one meanwhile
	return nil
}

// Run refreshes until ctx ends.
func (p *Prices) Run(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(RefreshEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := p.Refresh(ctx); err != nil && !errors.Is(err, context.Canceled) {
			log.Warn("prices stay as they were", "error", err)
		}
	}
}
