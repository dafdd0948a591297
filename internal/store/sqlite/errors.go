package sqlite

import (
	"errors"
	"fmt"

	driversqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"heliograph/internal/store"
)

// classify wraps err in the contract's error for its result code
// (sqlite.org/rescode.html). What has no such error comes back as it is.
func classify(err error) error {
	var e *driversqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	var kind error
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		kind = store.ErrFull
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL:
		kind = store.ErrUnavailable
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY:
		kind = store.ErrBroken
		// The index of the log is memory that needs disk blocks too; that it
		// cannot grow is a full disk, and nothing was written.
		if e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE {
			kind = store.ErrFull
		}
	default:
		return err
	}
	return fmt.Errorf("%w: %w", kind, err)
}
