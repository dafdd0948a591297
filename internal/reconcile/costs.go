package reconcile

import (
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// costs adds up what messages cost, by account and month of acceptance in UTC.
// Messages that follow one another are mostly of one month.
type costs struct {
	sums map[store.SpendKey]*sms.Money

	account    string
	begin, end time.Time // of the month
	sum        *sms.Money
}

func (c *costs) add(m *store.AuditedMessage) {
	if c.sum == nil || m.Account != c.account || m.AcceptedAt.Before(c.begin) || !m.AcceptedAt.Before(c.end) {
		c.find(m)
	}
	*c.sum += m.Price + m.CarrierFee
}

func (c *costs) find(m *store.AuditedMessage) {
	at := m.AcceptedAt.UTC()
	c.account = m.Account
	c.begin = time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	c.end = c.begin.AddDate(0, 1, 0)
	key := store.SpendKey{Account: m.Account, Month: at.Format("2006-01"), Channel: channelText}
	if c.sum = c.sums[key]; c.sum == nil {
		if c.sums == nil {
			c.sums = map[store.SpendKey]*sms.Money{}
		}
		c.sum = new(sms.Money)
		c.sums[key] = c.sum
	}
}

// append adds the sums of a month, or with "" of all, to to.
func (c *costs) append(to []Amount, month string) []Amount {
	for k, amount := range c.sums {
		if (month == "" || month == k.Month) && *amount != 0 {
			to = append(to, Amount{k.Account, k.Month, k.Channel, *amount})
		}
	}
	return to
}
