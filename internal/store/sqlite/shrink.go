package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"heliograph/internal/store"
)

// vacuum gives back vacuumPages pages, between two looks at the clock.
const (
	vacuum      = "PRAGMA incremental_vacuum(16)"
	vacuumPages = 16
)

// excess is how many of the free pages of a file are to be given back. A sixteenth
// of the file and a mebibyte are kept for what comes: moving the last pages of the
// file into them, only to make new ones at its end a moment later, would be work for
// nothing.
func excess(pages, free int64) int64 { return max((free-pages/16-256)*16/15, 0) }

// Shrink cuts free pages off the end of the file, moving those in use there into
// free ones before. The file itself gets shorter when the write-ahead log is moved
// into it, which the last step asks for.
func (e *Engine) Shrink(ctx context.Context, f store.Fence, within time.Duration) (store.Shrunk, error) {
	pages, free, size, err := e.pages(ctx)
	if err != nil {
		return store.Shrunk{}, err
	}
	wanted := excess(pages, free)
	if wanted == 0 {
		return store.Shrunk{}, nil
	}
	var n store.Shrunk
	var left int64
	n.Held, err = e.prune(f, true, func(began time.Time) error {
		for done := int64(0); done < wanted && (done == 0 || time.Since(began) < within/2); done += vacuumPages {
			if _, err := e.writer.exec(vacuum); err != nil {
				return err
			}
		}
		return e.writer.query(context.Background(), "PRAGMA freelist_count", nil, func(r row) error {
			left = r.int(0)
			return nil
		})
	})
	if err != nil {
		return store.Shrunk{}, err
	}
	n.Bytes = (free - left) * size
	// A file that was not made to be shrunk stays as it is: nothing comes of it.
	n.More = n.Bytes > 0 && excess(pages-(free-left), left) > 0
	if !n.More && n.Bytes > 0 {
		e.mover.ask()
	}
	return n, nil
}

// pages counts those of the file, and the free ones, and says how large one is.
func (e *Engine) pages(ctx context.Context) (pages, free, size int64, err error) {
	err = e.scan(ctx, "pages", "SELECT page_count, freelist_count, page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size", nil, func(r row) error {
		pages, free, size = r.int(0), r.int(1), r.int(2)
		return nil
	})
	return pages, free, size, err
}

// Sizes are those of the database's file, its write-ahead log, and the file's free
// pages.
func (e *Engine) Sizes(ctx context.Context) (store.Sizes, error) {
	_, free, size, err := e.pages(ctx)
	if err != nil {
		return store.Sizes{}, err
	}
	path := ""
	if err := e.scan(ctx, "path", "SELECT file FROM pragma_database_list WHERE name = 'main'", nil, func(r row) error {
		path = r.text(0)
		return nil
	}); err != nil {
		return store.Sizes{}, err
	}
	s := store.Sizes{Free: free * size}
	for name, bytes := range map[string]*int64{path: &s.Database, path + "-wal": &s.Log} {
		info, err := os.Stat(name)
		switch {
		case err == nil:
			*bytes = info.Size()
		case !errors.Is(err, fs.ErrNotExist):
			return store.Sizes{}, err
		}
	}
	return s, nil
}
