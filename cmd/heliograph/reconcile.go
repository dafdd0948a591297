package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"
	"time"

	"heliograph/internal/app"
	"heliograph/internal/reconcile"
)

type reconcileCommand struct {
	From         string `placeholder:"TIME" help:"Only messages accepted from then on: 2026-01-31T12:00:00Z, or a day or a month in UTC, 2026-01-31, 2026-01."`
	To           string `placeholder:"TIME" help:"Only messages accepted before then."`
	PrunedBefore string `placeholder:"TIME" help:"Messages accepted before then may have been deleted by retention, whatever it is set to now."`
	JSON         bool   `name:"json" help:"Print one JSON document."`
}

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	error
}

func (e *exitError) Unwrap() error { return e.error }

// Run walks through the store, by the running server or else by itself. Exit code 1
// says that something does not add up, 2 that it could not be found out.
func (c reconcileCommand) Run(s *session) error {
	report, err := c.reconcile(s)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if !report.Holds {
		return fmt.Errorf("%d do not add up", report.Broken)
	}
	return nil
}

func (c reconcileCommand) reconcile(s *session) (*reconcile.Report, error) {
	window := reconcile.Window{Now: time.Now()}
	for _, t := range []struct {
		flag, text string
		to         *time.Time
	}{{"--from", c.From, &window.From}, {"--to", c.To, &window.To}, {"--pruned-before", c.PrunedBefore, &window.PrunedBefore}} {
		var err error
		if *t.to, err = parseTime(t.text); err != nil {
			return nil, fmt.Errorf("%s is %q; a time such as 2026-01-31T12:00:00Z, a day such as 2026-01-31 or a month such as 2026-01 is needed", t.flag, t.text)
		}
	}
	if !window.To.IsZero() && !window.From.Before(window.To) {
		return nil, fmt.Errorf("--from is %s and --to is %s; --from has to be earlier", c.From, c.To)
	}
	p := &reportPrinter{w: s.out, json: c.JSON}
	report, err := c.walk(s, window, p)
	if err != nil {
		return nil, err
	}
	return report, p.finish(report)
}

// parseTime reads a time, a day or a month; nothing is the zero time.
func parseTime(text string) (t time.Time, err error) {
	if text == "" {
		return t, nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly, "2006-01"} {
		if t, err = time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return t, err
}

// walk asks the server for each step. Where none runs, it reads the database itself.
func (c reconcileCommand) walk(s *session, window reconcile.Window, p *reportPrinter) (*reconcile.Report, error) {
	server, err := s.client()
	if err != nil {
		return nil, err
	}
	report, err := reconcile.Run(s.ctx, window, func(ctx context.Context, step reconcile.Step) (answer reconcile.Answer, err error) {
		return answer, server.call(ctx, "Reconcile", step, &answer)
	}, p.broken)
	if !errors.Is(err, syscall.ECONNREFUSED) || p.printed > 0 {
		return report, err
	}
	cfg, err := s.config()
	if err != nil {
		return nil, err
	}
	log, err := logger(cfg.Log, s.err)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(s.err, "heliograph: no server answers at %s; the database is read without one\n", server.url)
	err = app.Reconcile(s.ctx, cfg, log, func(w *reconcile.Walker) error {
		report, err = reconcile.Run(s.ctx, window, w.Do, p.broken)
		return err
	})
	return report, err
}

// reportPrinter prints what breaks as it is found, and the report behind it.
type reportPrinter struct {
	w       io.Writer
	json    bool
	printed int
}

func (p *reportPrinter) broken(b reconcile.Break) (err error) {
	p.printed++
	if p.json {
		separator := ","
		if p.printed == 1 {
			separator = "{\n  \"breaks\": ["
		}
		line, err := json.Marshal(b)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.w, "%s\n    %s", separator, line)
		return err
	}
	what := b.Row
	if b.Message != "" {
		what = strings.TrimPrefix(b.Row+", message "+b.Message, ", ")
	}
	_, err = fmt.Fprintf(p.w, "%s: %s: %s\n", b.Kind, what, b.Why)
	return err
}

func (p *reportPrinter) finish(r *reconcile.Report) error {
	if !p.json {
		if p.printed > 0 {
			fmt.Fprintln(p.w)
		}
		return printReport(p.w, r)
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	begin := "\n  ],\n"
	if p.printed == 0 {
		begin = "{\n  \"breaks\": [],\n"
	}
	_, err = fmt.Fprintf(p.w, "%s%s\n", begin, strings.TrimPrefix(string(text), "{\n"))
	return err
}

// printReport prints the equations for people.
func printReport(w io.Writer, r *reconcile.Report) error {
	t := newTable(w)
	from := clock(r.From)
	if from == "" {
		from = "the first message"
	}
	t.row("accepted", "from "+from, "to "+clock(r.To))
	line := func(what string, n int64, note ...string) {
		t.row(append([]string{what, strconv.FormatInt(n, 10)}, note...)...)
	}
	m, p := r.Messages, r.Parts
	line("messages accepted", m.Accepted)
	line("  delivered", m.Delivered)
	line("  failed", m.Failed)
	line("  expired", m.Expired)
	line("  unknown", m.Unknown)
	line("  successful", m.Successful, "without receipts")
	line("  queued", m.Queued, "open")
	line("  awaiting receipts", m.Awaiting, "open")
	line("  unaccounted for", r.MessagesUnaccounted)
	line("parts billed", p.Billed)
	line("  handed over", p.HandedOver)
	line("  never handed over", p.Never, "expired, filtered, or could not be written")
	line("  not handed over yet", p.Waiting, fmt.Sprintf("%d parts are marked as in flight", r.PartsInFlight))
	line("  unaccounted for", r.PartsUnaccounted)
	line("parts sent again", p.Resent)
	line("parts on the wire", r.PartsOnTheWire, "handed over + sent again")
	if err := t.flush(); err != nil {
		return err
	}
	t.row("\nEVENT LOG", "WRITTEN", "THERE", "PRUNED", "PUBLISHED OR WAITING", "TO BE PUBLISHED")
	for _, l := range r.Logs {
		t.row(fmt.Sprintf("slot %d", l.Slot), strconv.FormatInt(l.Written, 10), strconv.FormatInt(l.There, 10), strconv.FormatInt(l.Pruned, 10),
			strconv.FormatInt(l.Behind, 10), strconv.FormatInt(l.Ahead, 10))
	}
	if err := t.flush(); err != nil {
		return err
	}
	if len(r.Waiting) > 0 {
		t.row("\nEVENT DESTINATION", "WAITING")
		for _, d := range r.Waiting {
			t.row(d.Destination, strconv.FormatInt(d.Events, 10))
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	if len(r.Losses) == 0 {
		fmt.Fprintln(w, "\nno event was lost to a destination, or dropped with one")
	} else {
		t.row("\nEVENT DESTINATION", "LOST TO IT", "DROPPED WITH IT")
		for _, l := range r.Losses {
			t.row(l.Destination, strconv.FormatInt(l.Lost, 10), strconv.FormatInt(l.Dropped, 10))
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	t.row("\nSPEND OF ACCOUNT", "MONTH", "LEDGER USD", "MESSAGES USD", "COMPARED")
	for _, v := range r.Spend {
		t.row(v.Account, v.Month, v.Ledger, v.Messages, strings.ReplaceAll(v.Compared, "_", " "))
	}
	if err := t.flush(); err != nil {
		return err
	}
	verdict := "everything adds up"
	if !r.Holds {
		verdict = fmt.Sprintf("%d do not add up", r.Broken)
	}
	_, err := fmt.Fprintf(w, "\n%s\n", verdict)
	return err
}
