package reconcile

import (
	"context"
	"math"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// costs adds up what messages are billed, by account, month of acceptance in UTC,
// country and kind of route. Messages that follow one another are mostly alike in that.
type costs struct {
	sums map[store.UsageKey]*billed

	key        store.UsageKey
	begin, end time.Time // of the month
	sum        *billed
}

func (c *costs) add(m *store.AuditedMessage) {
	if c.sum == nil || m.Account != c.key.Account || m.Country != c.key.Country || m.Route != c.key.Route ||
		m.AcceptedAt.Before(c.begin) || !m.AcceptedAt.Before(c.end) {
		c.find(m)
	}
	c.sum.add(m)
}

func (c *costs) find(m *store.AuditedMessage) {
	at := m.AcceptedAt.UTC()
	c.begin = time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	c.end = c.begin.AddDate(0, 1, 0)
	c.key = store.UsageKey{Account: m.Account, Month: at.Format("2006-01"), Channel: channelText, Country: m.Country, Route: m.Route}
	if c.sum = c.sums[c.key]; c.sum == nil {
		if c.sums == nil {
			c.sums = map[store.UsageKey]*billed{}
		}
		c.sum = new(billed)
		c.sums[c.key] = c.sum
	}
}

// append adds the sums of a month, or with "" of all, to to.
func (c *costs) append(to []Amount, month string) []Amount {
	for k, sum := range c.sums {
		if (month == "" || month == k.Month) && *sum != (billed{}) {
			to = append(to, amount(k, *sum))
		}
	}
	return to
}

// spend reads the ledger, and with it what the messages cost that were too young to
// be counted before.
func (w *Walker) spend(ctx context.Context, a *Answer) error {
	s, page := &a.Next, &a.Page
	from, to := sms.ID(0), sms.ID(0)
	switch {
	case s.Month == "" && s.To.IsZero():
		from, to = s.Young, math.MaxInt64
	case s.Month == "" && s.End > s.Young:
		from, to = s.Young, s.End
	case s.Month != "":
		from, to = s.At, s.End
	}
	var costs costs
	ledger, err := w.Store.AuditSpend(ctx, from, to, func(m *store.AuditedMessage) error {
		costs.add(m)
		return nil
	})
	if err != nil {
		return err
	}
	page.Cost = costs.append(page.Cost, s.Month)
	for k, sums := range ledger {
		if s.Month == "" || s.Month == k.Month {
			page.Ledger = append(page.Ledger, amount(k, billed{Sums: sums}))
		}
	}
	s.Stage = StageDone
	return nil
}

// recount adds up what the messages of one month cost that are old enough, and
// leaves the others to the ledger's step.
func (w *Walker) recount(ctx context.Context, a *Answer) (more bool, err error) {
	s, page := &a.Next, &a.Page
	if s.End == 0 {
		begin, end, err := monthOf(s.Month)
		if err != nil {
			return false, sms.Invalid(sms.ReasonInvalidParameter, "month", "month is %q; a year and a month such as 2026-01 are needed.", s.Month)
		}
		s.At, s.End = max(idAt(begin.Add(-monthMargin)), 1), idAt(end.Add(monthMargin))
		s.Young = min(sms.FirstID(w.Now().Add(-settled)), s.End)
	}
	var costs costs
	next := s.At
	if s.At < s.Young {
		if next, err = w.Store.AuditMessages(ctx, s.At, s.Young, pageMessages, func(m *store.Audited) error {
			if m.Message != nil {
				costs.add(m.Message)
			}
			return nil
		}); err != nil {
			return false, err
		}
	}
	page.Cost = costs.append(page.Cost, s.Month)
	if s.At = next; next < s.Young {
		return true, nil
	}
	s.enter(StageSpend)
	return false, nil
}
