package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"heliograph/internal/datadir"
)

// watch looks at what a server takes of the machine, again and again.
type watch struct {
	server *server
	skip   time.Duration // until it begins to count

	memory, heap, goroutines, file, log, unmatched quantity
}

const megabyte = 1e6

// walLimit is what the write-ahead log is cut to: up to there it comes and goes.
const walLimit = 64 << 20

func newWatch(s *server, skip time.Duration) *watch {
	return &watch{server: s, skip: skip,
		memory:     quantity{name: "memory of the process", unit: "MB", divisor: megabyte, slack: 8 * megabyte},
		heap:       quantity{name: "heap in use", unit: "MB", divisor: megabyte, slack: 8 * megabyte},
		goroutines: quantity{name: "goroutines", divisor: 1, slack: 20},
		file:       quantity{name: "database", unit: "MB", divisor: megabyte, slack: 32 * megabyte},
		log:        quantity{name: "write-ahead log", unit: "MB", divisor: megabyte, slack: walLimit},
		unmatched:  quantity{name: "unmatched receipts", divisor: 1, slack: 100},
	}
}

func (w *watch) quantities() []*quantity {
	all := []*quantity{&w.memory, &w.heap, &w.goroutines, &w.file, &w.unmatched}
	if w.server.engine.cluster == nil {
		all = append(all, &w.log)
	}
	return all
}

// until takes samples until stop is closed.
func (w *watch) until(stop <-chan struct{}) error {
	began := time.Now()
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return nil
		case <-ticker.C:
		}
		if time.Since(began) < w.skip {
			continue
		}
		if err := w.sample(); err != nil {
			return err
		}
	}
}

func (w *watch) sample() error {
	m, err := w.server.Metrics()
	if err != nil {
		return err
	}
	file, log, err := w.server.sizes()
	if err != nil {
		return err
	}
	for _, v := range []struct {
		of    *quantity
		value float64
	}{
		{&w.memory, float64(w.server.Usage().Memory)}, {&w.heap, m["go_memstats_heap_inuse_bytes"]}, {&w.goroutines, m["go_goroutines"]},
		{&w.file, float64(file)}, {&w.log, float64(log)}, {&w.unmatched, m["heliograph_receipts_parked"]},
	} {
		v.of.values = append(v.of.values, v.value)
	}
	return nil
}

// print tells how each quantity went and reports whether all were flat.
func (w *watch) print() bool {
	all := true
	for _, q := range w.quantities() {
		first, second := q.halves()
		verdict := "flat"
		if !q.flat() {
			all, verdict = false, "GROWS"
		}
		fmt.Printf("  %-24s first half %9.1f, second half %9.1f %-3s %s\n", q.name, first/q.divisor, second/q.divisor, q.unit, verdict)
	}
	fmt.Printf("  %d samples, one each %s, the first %s not counted\n", len(w.memory.values), sampleEvery, w.skip)
	return all
}

// sizes are those of the database and of SQLite's write-ahead log.
func (s *server) sizes() (file, log int64, err error) {
	if s.engine.cluster == nil {
		path := datadir.Database(filepath.Join(s.dir, "data"))
		return fileSize(path), fileSize(path + "-wal"), nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.database)
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&file)
	return file, 0, err
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
