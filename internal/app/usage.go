package app

import (
	"context"
	"fmt"
	"os"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"heliograph/internal/admin"
	"heliograph/internal/api"
	"heliograph/internal/nodes"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/usage"
	"heliograph/internal/usage/cloudwatch"
)

// openPrices reads the price book that the operator imported, and the one that holds
// where there is none.
func (s *service) openPrices(ctx context.Context) (*usage.Prices, error) {
	book, err := configuredBook(s.cfg.Prices)
	if err != nil {
		return nil, err
	}
	return usage.OpenPrices(ctx, s.lists, s.committer, book)
}

func configuredBook(file string) (*usage.Book, error) {
	if file == "" {
		return usage.DefaultBook(), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("prices: %w", err)
	}
	defer f.Close()
	book, err := usage.ReadBook(f)
	if err != nil {
		return nil, fmt.Errorf("prices %s: %w", file, err)
	}
	return book, nil
}

// newLedger holds accounts to their spend limits, with other nodes where there can be
// any.
func (s *service) newLedger() *usage.Ledger {
	if s.place.shared == nil {
		return usage.NewLedger(s.engine, s.spendLimit)
	}
	return usage.NewSharedLedger(s.engine, s.place.shared, s.place.fence, s.spendLimit)
}

// spendLimit is what an account may spend on a channel a month.
func (s *service) spendLimit(account, channel string) sms.Money {
	snapshot := s.directory.Account(account)
	if snapshot == nil {
		return 0
	}
	return snapshot.SpendLimit(channel, s.cfg.Limits.Spend(channel))
}

// usageOperations are the operator's on usage and prices.
func (s *service) usageOperations() []api.Operation {
	return admin.UsageOperations(admin.UsageOptions{Account: s.cfg.Account, Region: s.cfg.Region, Usage: s.lists, Prices: s.prices, Now: now})
}

const (
	// tellEvery is how often CloudWatch is told what was spent.
	tellEvery = time.Minute
	// tellTime bounds one time that it is told.
	tellTime = 20 * time.Second
)

// tellSpend puts what accounts have spent this month into CloudWatch, where events are
// sent to AWS services too, on the node that sweeps.
func (s *service) tellSpend(ctx context.Context) {
	if s.cfg.AWS.EndpointURL == "" {
		return
	}
	metrics, err := s.cloudWatch(ctx)
	if err != nil {
		s.log.Error("the monthly spend is not put into CloudWatch", "error", err)
		return
	}
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !s.manager.Holds(nodes.Sweep) {
			continue
		}
		if err := s.tellSpendOnce(ctx, metrics); err != nil && ctx.Err() == nil {
			s.log.Warn("the monthly spend was not put into CloudWatch", "error", err)
		}
	}
}

func (s *service) cloudWatch(ctx context.Context) (*cloudwatch.Metrics, error) {
	loaded, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(s.cfg.Region))
	if err != nil {
		return nil, err
	}
	return cloudwatch.New(ctx, loaded, s.cfg.AWS.EndpointURL, s.cfg.Account)
}

func (s *service) tellSpendOnce(ctx context.Context, metrics *cloudwatch.Metrics) error {
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	at := now()
	used, err := s.lists.Usage(ctx, "", usage.Month(at))
	if err != nil {
		return err
	}
	return metrics.Put(ctx, usage.Spends(used, accountIDs(s.directory)...), at)
}

var spendGauges = map[string]described{
	usage.ChannelText:  gauge("heliograph_text_message_monthly_spend_usd", "What the account has spent for text messages this month (UTC), at all nodes.", "account"),
	usage.ChannelVoice: gauge("heliograph_voice_message_monthly_spend_usd", "What the account has spent for voice messages this month (UTC), at all nodes.", "account"),
}

// spendTime bounds how long a scrape waits for what was billed.
const spendTime = time.Second

// collectSpend reads what was billed this month, which is what is committed of the
// ledger. Where that cannot be read nothing is told.
func (g *gauges) collectSpend(set func(described, float64, ...string)) {
	ctx, cancel := context.WithTimeout(context.Background(), spendTime)
	defer cancel()
	used, err := g.lists.Usage(ctx, "", usage.Month(now()))
	if err != nil {
		return
	}
	for _, s := range usage.Spends(used, accountIDs(g.directory)...) {
		if d, ok := spendGauges[s.Channel]; ok {
			set(d, s.Amount.Dollars(), s.Account)
		}
	}
}

func accountIDs(d *resources.Directory) []string {
	var ids []string
	for _, account := range d.Inventory().Accounts.All() {
		ids = append(ids, account.ID)
	}
	return ids
}
