package accept

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heliograph/internal/encode"
	"heliograph/internal/optout"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
	"heliograph/internal/usage"
)

const customer = "111122223333"

// began is the time of a desk's clock at first.
var began = time.Date(2026, 11, 23, 12, 0, 0, 123_456_789, time.UTC)

// Ids of what every desk's account has.
const (
	numberUS      = "phone-000000000000us" // 10DLC on acme, transactional
	numberPending = "phone-0000000pending" // toll-free, waits for its activation
	numberSim     = "phone-00000000000sim" // of the simulator
	numberGB      = "phone-000000000000gb" // promotional
	numberVoice   = "phone-000000000voice" // without SMS
	numberShort   = "phone-000000000short" // short code of Canada
	numberLost    = "phone-0000000000lost" // of France, its carrier is not configured
	poolGermany   = "pool-000000000000000de"
	poolClosing   = "pool-00000000000closing"
	memberAcme    = "phone-00000000de-acme" // three members in Germany, one on each carrier
	memberBeta    = "phone-00000000de-beta"
	memberLatin   = "phone-0000000de-latin"
)

// Recipients.
const (
	inUS        = "+12065550199"
	inBritain   = "+447700900123"
	inGermany   = "+4915123456789"
	inFrance    = "+33612345678"
	inIndia     = "+919876543210"
	inCanada    = "+14165550123"
	inChina     = "+8613812345678"
	inCuba      = "+5351234567"
	simulatorUS = "+14254147755"
	simulatorGB = "+447860019066"
)

// carriers are what a desk is told of carriers.
type carriers struct {
	mu      sync.Mutex
	cuts    map[string]encode.Options
	down    map[string]bool
	backlog map[string]float64
}

func (c *carriers) Shard(name, _ string) string { return name }

func (c *carriers) Cut(name string) (encode.Options, bool) {
	o, ok := c.cuts[name]
	return o, ok
}

func (c *carriers) Healthy(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.down[name]
}

func (c *carriers) Backlog(lane string) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.backlog[lane]
}

// faulty is an engine whose commits can be made to fail, or watched.
type faulty struct {
	*sqlite.Engine
	fails  atomic.Pointer[error]
	before atomic.Pointer[func([]*store.Change)]
}

func (f *faulty) Apply(ctx context.Context, fence store.Fence, changes []*store.Change) error {
	if look := f.before.Load(); look != nil {
		(*look)(changes)
	}
	if err := f.fails.Load(); err != nil {
		return *err
	}
	return f.Engine.Apply(ctx, fence, changes)
}

// desk is a Service with what is around it.
type desk struct {
	*Service
	directory *resources.Directory
	engine    *faulty
	carriers  *carriers
	clock     atomic.Int64 // nanoseconds after began
	limit     atomic.Int64 // of spend, millionths of USD
	ids       *sms.MessageIDs
}

func (d *desk) sleep(by time.Duration) { d.clock.Add(int64(by)) }

func newDesk(t testing.TB, edit func(*Options)) *desk {
	t.Helper()
	ctx := context.Background()
	engine, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "heliograph.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	fence, err := engine.Join(ctx, "test")
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{engine: &faulty{Engine: engine}, carriers: &carriers{
		cuts:    map[string]encode.Options{"acme": {}, "beta": {}, "latin": {Alphabet: encode.AlphabetLatin1}, "wide": {Reference16: true}, "sim": {}},
		down:    map[string]bool{},
		backlog: map[string]float64{},
	}}
	d.limit.Store(int64(100 * sms.USD))
	committer := store.NewCommitter(d.engine, fence, store.CommitterOptions{})
	t.Cleanup(committer.Close)
	now := func() time.Time { return began.Add(time.Duration(d.clock.Load())) }
	if d.directory, err = resources.Open(ctx, d.engine, committer, "aws", "us-east-1", now); err != nil {
		t.Fatal(err)
	}
	if err := d.directory.EnsureAccount(ctx, customer, resources.Production); err != nil {
		t.Fatal(err)
	}
	if err := d.directory.Change(ctx, customer, furnish); err != nil {
		t.Fatal(err)
	}
	if d.ids, err = sms.NewMessageIDs([]byte("0123456789abcdef")); err != nil {
		t.Fatal(err)
	}
	book, err := usage.ReadBook(strings.NewReader("country,route,price_per_part,carrier_fee\n*,*,0.05,0\n*,SIMULATOR,0,0\nUS,*,0.007,0.003\n"))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Committer: committer, Entries: d.engine, OptOuts: optout.NewChecker(d.engine), IDs: sms.NewIDs(fence.Slot, 0), MessageIDs: d.ids, Prices: book,
		Ledger:   usage.NewLedger(d.engine, func(string, string) sms.Money { return sms.Money(d.limit.Load()) }),
		Carriers: d.carriers, SharedRoutes: []sms.SharedRoute{{Countries: []string{"*"}, Carrier: "beta", SenderID: "NOTICE"}},
		DefaultCarrier: "acme", Region: "us-east-1", Now: now, Log: slog.New(slog.DiscardHandler)}
	if edit != nil {
		edit(&o)
	}
	d.Service = New(o)
	return d
}

// furnish gives the account its resources.
func furnish(tx *resources.Tx) error {
	number := func(id, e164, country string, kind sms.NumberType, edit func(*sms.PhoneNumber)) {
		n := sms.PhoneNumber{ID: id, Number: e164, Country: country, Type: kind, Capabilities: []sms.Capability{sms.CapabilitySMS},
			MessageType: sms.Transactional, Status: sms.NumberActive, OptOutList: "Default", Carrier: "acme", PartsPerSecond: 10}
		if edit != nil {
			edit(&n)
		}
		tx.PhoneNumbers.Put(id, n)
	}
	number(numberUS, "+12065550100", "US", sms.TenDLC, func(n *sms.PhoneNumber) { n.PartsPerSecond = 1 })
	number(numberPending, "+18885550100", "US", sms.TollFree, func(n *sms.PhoneNumber) { n.Status = sms.NumberPending })
	number(numberSim, "+14255550100", "US", sms.Simulator, func(n *sms.PhoneNumber) { n.Carrier = "sim" })
	number(numberGB, "+447700900001", "GB", sms.LongCode, func(n *sms.PhoneNumber) { n.MessageType = sms.Promotional })
	number(numberVoice, "+447700900002", "GB", sms.LongCode, func(n *sms.PhoneNumber) { n.Capabilities = []sms.Capability{sms.CapabilityVoice} })
	number(numberShort, "54321", "CA", sms.ShortCode, nil)
	number(numberLost, "+33600000001", "FR", sms.LongCode, func(n *sms.PhoneNumber) { n.Carrier = "gone" })
	for id, member := range map[string]struct{ number, carrier string }{
		memberAcme: {"+4915100000001", "acme"}, memberBeta: {"+4915100000002", "beta"}, memberLatin: {"+4915100000003", "latin"},
	} {
		number(id, member.number, "DE", sms.LongCode, func(n *sms.PhoneNumber) { n.Carrier, n.PoolID = member.carrier, poolGermany })
	}
	pool := sms.Pool{ID: poolGermany, Status: sms.PoolActive, MessageType: sms.Transactional, OptOutList: "Default"}
	tx.Pools.Put(poolGermany, pool)
	pool.ID, pool.Status = poolClosing, sms.PoolDeleting
	tx.Pools.Put(poolClosing, pool)
	both := []sms.MessageType{sms.Transactional, sms.Promotional}
	for _, s := range []sms.SenderID{
		{SenderID: "HELIO", Country: "GB", MessageTypes: both, PartsPerSecond: 3},
		{SenderID: "PROMO", Country: "GB", MessageTypes: both[1:], Carrier: "beta"},
		{SenderID: "654321", Country: "IN", MessageTypes: both[1:], Carrier: "beta", Registered: true},
	} {
		tx.SenderIDs.Put(s.Key(), s)
	}
	for _, set := range []sms.ConfigurationSet{
		{Name: "plain"},
		{Name: "marketing", DefaultMessageType: sms.Promotional, DefaultFeedbackEnabled: true},
		{Name: "named", DefaultSenderID: "BRAND"},
	} {
		tx.ConfigurationSets.Put(set.Name, set)
	}
	return nil
}

func (d *desk) account() *resources.Snapshot { return d.directory.Account(customer) }

func (d *desk) tier(t testing.TB, tier resources.Tier) {
	t.Helper()
	if err := d.directory.EnsureAccount(context.Background(), customer, tier); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) send(r Request) (string, error) {
	return d.Send(context.Background(), d.account(), r)
}

// accepted sends, and gives the message as the store has it.
func (d *desk) accepted(t testing.TB, r Request) *sms.Message {
	t.Helper()
	id, err := d.send(r)
	if err != nil {
		t.Fatalf("%+v: %v", r, err)
	}
	return d.stored(t, id)
}

func (d *desk) stored(t testing.TB, messageID string) *sms.Message {
	t.Helper()
	id, err := d.ids.Parse(messageID)
	if err != nil {
		t.Fatalf("MessageId %q: %v", messageID, err)
	}
	found, err := d.engine.Messages(context.Background(), []sms.ID{id})
	if err != nil || found[0] == nil {
		t.Fatalf("message %s is not in the store: %v", messageID, err)
	}
	return found[0]
}

// isEmpty: the store has no message and no spend.
func (d *desk) isEmpty(t testing.TB) {
	t.Helper()
	ctx := context.Background()
	counts, err := d.engine.Counts(ctx)
	if err != nil || counts.Queued != 0 {
		t.Errorf("%d messages are queued, %v", counts.Queued, err)
	}
	if seq, err := d.engine.LastSeq(ctx, 0); err != nil || seq != 0 {
		t.Errorf("%d events are written, %v", seq, err)
	}
	if messages, err := d.engine.MessagesOf(ctx, customer, 0, 10); err != nil || len(messages) != 0 {
		t.Errorf("%d messages are kept, %v", len(messages), err)
	}
	if got := d.spent(t); got != 0 {
		t.Errorf("%s USD are spent", got)
	}
}

// usage is what was billed in November, account by account.
func (d *desk) usage(t testing.TB) []store.Usage {
	t.Helper()
	used, err := d.engine.Usage(context.Background(), "", "2026-11")
	if err != nil {
		t.Fatal(err)
	}
	return used
}

func (d *desk) spent(t testing.TB) sms.Money {
	t.Helper()
	spent, err := d.engine.Spend(context.Background(), customer, "2026-11", usage.ChannelText)
	if err != nil {
		t.Fatal(err)
	}
	return spent
}

func arn(resource string) string { return "arn:aws:sms-voice:us-east-1:" + customer + ":" + resource }
