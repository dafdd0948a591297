package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"heliograph/internal/admin"
	"heliograph/internal/sms"
)

// printStory prints a message's story for people: what was asked for, what was
// decided, the parts, and what happened in order.
func printStory(w io.Writer, s admin.Story) error {
	t := newTable(w)
	state := s.Status
	if s.Final {
		state += " (final)"
	}
	t.row("message", s.MessageID)
	t.row("status", state)
	t.row("accepted", clock(s.AcceptedAt))
	t.row("time to live ends", clock(s.ExpiresAt))
	t.row("account", s.Account)
	t.row("to", s.Destination+" ("+s.Country+")")
	t.row("from", identity(s.Route))
	t.row("chosen because", s.Route.Why)
	t.row("carrier", s.Route.Carrier)
	t.row("lane", fmt.Sprintf("%s, %g parts per second", s.Route.Lane, s.Route.PartsPerSecond))
	if r := s.Rerouted; r != nil {
		t.row("moved to", identity(*r)+" by carrier "+r.Carrier)
		t.row("moved because", r.Why)
	}
	t.row("message type", s.Type)
	t.row("configuration set", s.ConfigurationSet)
	t.row("encoding", fmt.Sprintf("%s, %d part(s)", s.Encoding, s.PartCount))
	t.row("price", "USD "+s.Price+", carrier fee USD "+s.CarrierFee)
	optional := func(name, value string) {
		if value != "" {
			t.row(name, value)
		}
	}
	if s.FeedbackEnabled {
		t.row("message feedback", cmp.Or(s.Feedback, "none yet"))
	}
	optional("at most", s.MaxPrice)
	optional("keyword", s.Keyword)
	optional("context", pairs(s.Context))
	optional("country parameters", pairs(s.CountryParameters))
	if q := s.Queue; q != nil {
		t.row("waiting in", fmt.Sprintf("%s of carrier %s, due %s, %d attempt(s)", q.Lane, q.Carrier, clock(q.Due), q.Attempts))
	}
	if err := t.flush(); err != nil {
		return err
	}
	if err := printParts(w, s); err != nil {
		return err
	}
	return printStoryEvents(w, s.Events)
}

func identity(r sms.Route) string {
	words := []string{r.Identity, string(r.Kind)}
	for _, more := range []string{string(r.NumberType), r.IdentityID, r.PoolID} {
		if more != "" {
			words = append(words, more)
		}
	}
	return strings.Join(words, " ")
}

func pairs(m map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+"="+m[k])
	}
	return strings.Join(out, ", ")
}

func printParts(w io.Writer, s admin.Story) error {
	for _, p := range s.Parts {
		fmt.Fprintf(w, "\npart %d of %d: %s\n", p.Number, s.PartCount, partState(p.PartProgress))
		t := newTable(w)
		cell := func(name, value string) {
			if value != "" {
				t.row("  "+name, value)
			}
		}
		if p.Text != "" {
			cell("text", fmt.Sprintf("%q", p.Text))
		}
		cell("carrier", p.Carrier)
		cell("carrier's id", p.CarrierMessageID)
		cell("code", p.Code)
		cell("detail", p.Detail)
		cell("sent", clock(p.SentAt))
		cell("done", clock(p.DoneAt))
		if p.Resent > 0 {
			cell("sent again", fmt.Sprintf("%d time(s)", p.Resent))
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	return nil
}

func partState(p sms.PartProgress) string {
	switch p.State {
	case sms.PartUnsent:
		return "not handed over"
	case sms.PartTaken:
		return "taken by the carrier, no receipt yet"
	}
	return string(p.Status)
}

func printStoryEvents(w io.Writer, events []admin.StoryEvent) error {
	fmt.Fprintln(w)
	t := newTable(w)
	t.row("EVENT", "AT", "FINAL", "DESCRIPTION")
	for _, e := range events {
		final := ""
		if e.Final {
			final = "final"
		}
		t.row(e.Type, clock(e.At), final, e.Description)
	}
	return t.flush()
}
