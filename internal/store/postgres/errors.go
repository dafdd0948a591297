package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"heliograph/internal/store"
)

// SQLSTATE codes (PostgreSQL, appendix A) that something is decided by.
const (
	codeDivisionByZero   = "22012"
	codeUniqueViolation  = "23505"
	codeReadOnly         = "25006"
	codeIdleTransaction  = "25P03"
	codeNoStatement      = "26000"
	codeStalePlan        = "0A000"
	codeSerialization    = "40001"
	codeDeadlock         = "40P01"
	codeDiskFull         = "53100"
	codeLockNotAvailable = "55P03"
	codeIO               = "58030"
	codeMissingFile      = "58P01"
)

// sqlState is the code of the server's error, empty where it is not the server's.
func sqlState(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// classify wraps err in the contract's error for it. What has no such error, as
// a statement that is wrong or a value that the database does not take, comes
// back as it is.
func classify(ctx context.Context, err error) error {
	if err == nil || kindOf(err) != nil {
		return err
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return err
	}
	code := sqlState(err)
	kind := store.ErrUnavailable
	switch {
	case code == codeDiskFull:
		kind = store.ErrFull
	case code == codeIO, code == codeMissingFile, code == "XX001", code == "XX002":
		// The server says that its files are damaged.
		kind = store.ErrBroken
	case code == codeReadOnly, code == codeIdleTransaction, code == codeNoStatement, code == codeStalePlan, code == codeLockNotAvailable:
	case code == "":
		var local *recordError
		if errors.As(err, &local) {
			return err
		}
	default:
		switch code[:2] {
		case "08", "40", "53", "57":
		default:
			return err
		}
	}
	return fmt.Errorf("%w: %w", kind, err)
}

func kindOf(err error) error {
	for _, kind := range []error{store.ErrFull, store.ErrUnavailable, store.ErrFenced, store.ErrUnknown, store.ErrBroken, store.ErrClosed, store.ErrNotFound} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return nil
}

// recordError is a row that cannot be read: the database did its part.
type recordError struct{ error }

func (e *recordError) Unwrap() error { return e.error }

func unreadable(err error) error {
	if err == nil {
		return nil
	}
	return &recordError{err}
}

// aborted reports that the server has refused a statement and lives on, so that
// its transaction is undone for sure.
func aborted(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && !strings.EqualFold(e.SeverityUnlocalized, "FATAL") && !strings.EqualFold(e.SeverityUnlocalized, "PANIC")
}
