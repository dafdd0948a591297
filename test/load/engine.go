package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"heliograph/internal/datadir"
	"heliograph/internal/store"
	"heliograph/internal/store/pgtest"
	"heliograph/internal/store/postgres"
	"heliograph/internal/store/sqlite"
	"heliograph/test/rig"
)

// engine is the database that our server runs over: SQLite in its data directory,
// or with a cluster a database of PostgreSQL.
type engine struct {
	name    string
	cluster *pgtest.Cluster
}

// engines are those that the flag -database names. end stops what was started.
func engines(name string) (all []engine, end func(), err error) {
	end = func() {}
	if name != "postgres" && name != "both" && name != "sqlite" {
		return nil, end, fmt.Errorf("-database is %q: sqlite, postgres or both is expected", name)
	}
	if name != "postgres" {
		all = append(all, engine{name: "SQLite"})
	}
	if name != "sqlite" {
		r := &run{}
		all = append(all, engine{"PostgreSQL", pgtest.Start(r, pgtest.Options{Fsync: true})})
		end = r.end
	}
	return all, end, nil
}

// database makes an empty database and gives its URL, which is empty for SQLite.
func (e engine) database() string {
	if e.cluster == nil {
		return ""
	}
	return e.cluster.Database()
}

// drop deletes a database with all that is in it.
func (e engine) drop(url string) {
	if e.cluster != nil {
		e.cluster.Exec(e.cluster.URL("postgres"), "DROP DATABASE IF EXISTS "+pgtest.Name(url)+" WITH (FORCE)")
	}
}

// open opens the store of a server that does not run.
func (e engine) open(ctx context.Context, dir, url string) (store.Engine, error) {
	if e.cluster == nil {
		// Lanes come in any order, so the index of them is in memory while it is written.
		return sqlite.Open(ctx, datadir.Database(filepath.Join(dir, "data")), sqlite.Options{CacheSize: 1 << 30})
	}
	return postgres.Open(ctx, url, postgres.Options{})
}

// usage adds what PostgreSQL takes: CPU, and the octets of its log, which is what a
// commit waits for. Its memory is not that of the server.
func (e engine) usage(of rig.Usage) rig.Usage {
	if e.cluster == nil {
		return of
	}
	of.CPU += e.cluster.CPU()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, e.cluster.URL("postgres"))
	if err != nil {
		return of
	}
	defer conn.Close(ctx)
	var octets int64
	if conn.QueryRow(ctx, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint").Scan(&octets) == nil {
		of.Written += octets
	}
	return of
}

// run is what a throw-away PostgreSQL asks of the test that it is started for.
type run struct {
	testing.TB
	cleanups []func()
}

func (r *run) Helper()                   {}
func (r *run) Cleanup(f func())          { r.cleanups = append(r.cleanups, f) }
func (r *run) Error(args ...any)         { log.Print(args...) }
func (r *run) Fatal(args ...any)         { r.end(); log.Fatal(args...) }
func (r *run) Fatalf(f string, a ...any) { r.end(); log.Fatalf(f, a...) }

func (r *run) TempDir() string {
	dir, err := os.MkdirTemp("", "heliograph-load-")
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// end undoes what was done, the last first.
func (r *run) end() {
	for len(r.cleanups) > 0 {
		last := len(r.cleanups) - 1
		f := r.cleanups[last]
		r.cleanups = r.cleanups[:last]
		f()
	}
}
