package accept

import (
	"context"
	"fmt"
	"testing"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/usage"
)

// free is a store that keeps nothing, so that what is measured is not its cost.
type free struct{ store.Engine }

func (free) Apply(context.Context, store.Fence, []*store.Change) error { return nil }

func (free) Spend(context.Context, string, string, string) (sms.Money, error) { return 0, nil }

// nobody is on any list: what a look-up costs is package optout's to measure.
type nobody struct{}

func (nobody) OptedOut(context.Context, int64, string) (bool, error) { return false, nil }

func benchRequests() map[string]Request {
	return map[string]Request{
		"number":   {OriginationIdentity: "+4915100000001", ConfigurationSet: "plain"},
		"id":       {OriginationIdentity: memberAcme, MessageType: sms.Transactional, MaxPrice: "0.50"},
		"pool":     {OriginationIdentity: poolGermany, ConfigurationSet: "plain"},
		"senderID": {OriginationIdentity: "HELIO"},
		"any":      {},
	}
}

func BenchmarkDecide(b *testing.B) {
	d := newDesk(b, func(o *Options) { o.OptOuts = nobody{} })
	for name, r := range benchRequests() {
		r.Body = "Your verification code is 123456. Do not share it with anyone."
		b.Run(name, func(b *testing.B) {
			account, now := d.account(), d.now()
			b.ReportAllocs()
			for i := range b.N {
				r.Destination = fmt.Sprintf("+49151%08d", i%1_000_000)
				if _, err := d.decide(b.Context(), account, r, terms{}, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSend is all of Send but what the store costs.
func BenchmarkSend(b *testing.B) {
	d := newDesk(b, func(o *Options) { o.OptOuts = nobody{} })
	committer := store.NewCommitter(free{}, store.Fence{}, store.CommitterOptions{})
	defer committer.Close()
	d.committer = committer
	d.ledger = usage.NewLedger(free{}, func(string, string) sms.Money { return -1 })
	for name, r := range benchRequests() {
		r.Body = "Your verification code is 123456. Do not share it with anyone."
		b.Run(name, func(b *testing.B) {
			account := d.account()
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				r := r
				for i := 0; pb.Next(); i++ {
					r.Destination = fmt.Sprintf("+49151%08d", i%1_000_000)
					if _, err := d.Send(context.Background(), account, r); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
