package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"heliograph/internal/credentials"
	"heliograph/internal/migrate"
)

type migrateCommand struct {
	To   string `placeholder:"URL" xor:"direction" required:"" help:"Move what is in data_dir into this empty PostgreSQL database (postgres://...)."`
	From string `placeholder:"URL" xor:"direction" required:"" help:"Move what is in this PostgreSQL database into data_dir, which must have no database."`
}

// progressEvery is how often a line says how far a migration is.
const progressEvery = 5 * time.Second

// Run moves the database. Whoever serves from it has to be stopped before; which
// one is served from afterwards is for the configuration to say.
func (c migrateCommand) Run(s *session) error {
	for flag, url := range map[string]string{"--to": c.To, "--from": c.From} {
		if url != "" && !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
			return fmt.Errorf("%s has to be the postgres:// URL of a database", flag)
		}
	}
	cfg, err := s.config()
	if err != nil {
		return err
	}
	log, err := logger(cfg.Log, s.err)
	if err != nil {
		return err
	}
	options := migrate.Options{Logger: log, Progress: s.progress()}
	var result migrate.Result
	if c.To != "" {
		result, err = migrate.ToPostgres(s.ctx, cfg.DataDir, c.To, options)
	} else {
		result, err = migrate.FromPostgres(s.ctx, c.From, cfg.DataDir, options)
	}
	if err != nil {
		return err
	}
	t := newTable(s.out)
	t.row("table", "rows", "digest of the rows")
	for _, moved := range result.Tables {
		t.row(moved.Table, strconv.FormatInt(moved.Rows, 10), moved.Digest)
	}
	if err := t.flush(); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "\n%d rows moved and read back in %.1f s; the target has the same rows as the source.\n", result.Rows(), result.Took.Seconds())
	for _, table := range result.LeftAlone {
		fmt.Fprintf(s.out, "Table %s is not of this program's making and was left alone.\n", table)
	}
	return c.whatNow(s, cfg.DataDir)
}

// whatNow says what is left to do, and what is not in a database.
func (c migrateCommand) whatNow(s *session, dir string) error {
	if c.To != "" {
		fmt.Fprintf(s.out, "To serve from it, set database to its URL. Never serve from the database in %s again: both would send what waits.\n", dir)
	} else {
		fmt.Fprint(s.out, "To serve from it, set database to sqlite. Never serve from the PostgreSQL database again: both would send what waits.\n")
	}
	fmt.Fprintf(s.out, "\nNot in a database, and as it was in %s:\n", dir)
	t := newTable(s.out)
	for _, f := range []struct{ pattern, meaning string }{
		{credentials.File, "the root access key; every process over the same database needs this file"},
		{credentials.KeysFile, "makes MessageIds; every process over the same database needs this file"},
		{"events", "the built-in event log; a process goes on with its own"},
		{"firehose", "records that delivery streams took and have not delivered; a process delivers its own"},
		{"streams", "files that delivery streams delivered"},
		{"*.receipts", "receipts that a simulator still has to give; a process gives its own"},
	} {
		found, err := filepath.Glob(filepath.Join(dir, f.pattern))
		if err != nil {
			return err
		}
		for _, path := range found {
			t.row("  "+filepath.Base(path), f.meaning)
		}
	}
	if err := t.flush(); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, credentials.KeysFile)); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(s.out, "There is no file %s: before the service starts, copy %s and %s from where it served, or every MessageId that was given out is unknown.\n",
			credentials.KeysFile, credentials.File, credentials.KeysFile)
	}
	return nil
}

// progress prints a line on standard error now and then.
func (s *session) progress() func(migrate.Progress) {
	next := progressEvery
	return func(p migrate.Progress) {
		if p.SinceStart < next {
			return
		}
		next = p.SinceStart + progressEvery
		doing := "moving"
		if p.Verifying {
			doing = "reading back"
		}
		fmt.Fprintf(s.err, "heliograph: %s table %s (%d of %d): %d of %d rows, %d s\n", doing, p.Table, p.Tables+1, p.TablesOf, p.Rows, p.Of, int(p.SinceStart.Seconds()))
	}
}
