package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"heliograph/internal/app"
	"heliograph/internal/audit"
)

type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Check that the audit log of this machine is what was written: nothing is changed, missing or added. Exit code 1: it is not."`
	Show   auditShowCommand   `cmd:"" help:"Print the records of the audit log of this machine, as JSON lines, oldest first."`
}

// auditFlags say where the log is.
type auditFlags struct {
	DataDir string `placeholder:"DIR" help:"Data directory. Default: data_dir of the configuration."`
}

func (f auditFlags) directory(s *session) (string, error) {
	if f.DataDir != "" {
		return app.AuditDirectory(f.DataDir), nil
	}
	cfg, err := s.config()
	if err != nil {
		return "", err
	}
	return app.AuditDirectory(cfg.DataDir), nil
}

type auditVerifyCommand struct {
	auditFlags
}

// Run reads the files. It needs no running server, and may run beside one. Exit code 1
// says that the log is not what was written, 2 that it could not be found out.
func (c auditVerifyCommand) Run(s *session) error {
	directory, err := c.directory(s)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	report, err := audit.Verify(directory)
	breaks, broken := errors.AsType[audit.Breaks](err)
	if err != nil && !broken {
		return &exitError{exitUsage, err}
	}
	if report.Lines > 0 {
		fmt.Fprintf(s.out, "records that follow one from another: %d, number %d to %d, in files: %d\n", report.Lines, report.First, report.Last, report.Files)
	}
	if broken {
		return fmt.Errorf("the audit log is not what was written; places: %d\n%w", len(breaks), breaks)
	}
	_, err = fmt.Fprintf(s.out, "the audit log is whole; SHA-256 of its last line: %s\n", report.Hash)
	return err
}

type auditShowCommand struct {
	auditFlags
	Account string `placeholder:"ID" help:"Only the records of this account."`
}

// Run prints the records, without checking the chain.
func (c auditShowCommand) Run(s *session) error {
	directory, err := c.directory(s)
	if err != nil {
		return err
	}
	return audit.Read(directory, func(l audit.Line) error {
		if c.Account != "" {
			var r audit.Record
			if err := json.Unmarshal(l.Record, &r); err != nil || r.RecipientAccountID != c.Account {
				return err
			}
		}
		_, err := fmt.Fprintf(s.out, "%s\n", l.Record)
		return err
	})
}
