package accept

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func TestAccepted(t *testing.T) {
	d := newDesk(t, nil)
	feedback := true
	id, err := d.send(Request{
		Destination: "12065550199", OriginationIdentity: "+12065550100", Body: strings.Repeat("a", 161), MessageType: sms.Promotional,
		Keyword: "PROGRAM", ConfigurationSet: arn("configuration-set/plain"), MaxPrice: "0.02", TimeToLive: 90 * time.Second,
		Context: map[string]string{"order": "17"}, CountryParameters: map[string]string{"IN_ENTITY_ID": "e"}, FeedbackEnabled: &feedback,
	})
	if err != nil {
		t.Fatal(err)
	}
	got := d.stored(t, id)
	at := began.Truncate(time.Millisecond)
	want := &sms.Message{
		ID: got.ID, Account: customer, AcceptedAt: at, ExpiresAt: at.Add(90 * time.Second), Destination: "+12065550199", Country: "US",
		Route: sms.Route{Identity: "+12065550100", Kind: sms.IdentityPhoneNumber, NumberType: sms.TenDLC, IdentityID: numberUS,
			Carrier: "acme", Lane: "phone-number/" + numberUS, PartsPerSecond: 1, Why: "the request names this phone number"},
		Type: sms.Promotional, Body: strings.Repeat("a", 161), Encoding: "GSM", Parts: 2, Reference: reference(got.ID), Keyword: "PROGRAM",
		CountryParameters: map[string]string{"IN_ENTITY_ID": "e"}, Context: map[string]string{"order": "17"}, ConfigurationSet: "plain",
		Price: 14_000, CarrierFee: 6_000, MaxPrice: "0.02", FeedbackEnabled: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !got.ID.Time().Equal(at) {
		t.Errorf("the id is of %v", got.ID.Time())
	}
	queued, _, err := d.engine.Open(t.Context(), got.ID)
	if diff := cmp.Diff(&store.Queued{ID: got.ID, Shard: "acme", Lane: "phone-number/" + numberUS, Class: store.ClassPromotional, Parts: 2,
		Due: at, Expires: at.Add(90 * time.Second)}, queued); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	events, err := d.engine.MessageEvents(t.Context(), got.ID)
	if err != nil || len(events) != 1 || events[0].Status != sms.StatusQueued || events[0].ConfigurationSet != "plain" || !events[0].At.Equal(at) {
		t.Errorf("events %+v, %v", events, err)
	}
	if got := d.spent(t); got != 20_000 {
		t.Errorf("%s USD are spent", got)
	}
}

func TestDefaults(t *testing.T) {
	d := newDesk(t, nil)
	no := false
	for name, c := range map[string]struct {
		request  Request
		identity string
		kind     sms.MessageType
		feedback bool
	}{
		"nothing but the text":                   {Request{Destination: inUS}, "+12065550100", sms.Transactional, false},
		"the number's message type":              {Request{Destination: inBritain, OriginationIdentity: numberGB}, "+447700900001", sms.Promotional, false},
		"the type of the number that was chosen": {Request{Destination: inBritain}, "+447700900001", sms.Promotional, false},
		"the pool's message type":                {Request{Destination: inGermany, OriginationIdentity: poolGermany}, "", sms.Transactional, false},
		"the sender ID's message type":           {Request{Destination: inBritain, OriginationIdentity: "PROMO"}, "PROMO", sms.Promotional, false},
		"a sender ID of both types":              {Request{Destination: inBritain, OriginationIdentity: "HELIO"}, "HELIO", sms.Transactional, false},
		"a sender ID that nobody leases":         {Request{Destination: inBritain, OriginationIdentity: "BRAND"}, "BRAND", sms.Transactional, false},
		"the configuration set's message type":   {Request{Destination: inUS, ConfigurationSet: "marketing"}, "+12065550100", sms.Promotional, true},
		"the request's before the set's":         {Request{Destination: inUS, ConfigurationSet: "marketing", MessageType: sms.Transactional, FeedbackEnabled: &no}, "+12065550100", sms.Transactional, false},
		"the set's default sender ID":            {Request{Destination: "+351912345678", ConfigurationSet: "named"}, "BRAND", sms.Transactional, false},
		"a number before the set's sender ID":    {Request{Destination: inBritain, ConfigurationSet: "named"}, "+447700900001", sms.Promotional, false},
		"a shared route":                         {Request{Destination: "+351912345678"}, "NOTICE", sms.Transactional, false},
	} {
		c.request.Body = "hello"
		m := d.accepted(t, c.request)
		if m.Type != c.kind || m.FeedbackEnabled != c.feedback || c.identity != "" && m.Route.Identity != c.identity {
			t.Errorf("%s: %s from %s, feedback %v", name, m.Type, m.Route.Identity, m.FeedbackEnabled)
		}
		if m.ExpiresAt.Sub(m.AcceptedAt) != 72*time.Hour {
			t.Errorf("%s: expires after %v", name, m.ExpiresAt.Sub(m.AcceptedAt))
		}
		if m.Parts != 1 || m.Encoding != "GSM" {
			t.Errorf("%s: %d parts in %s", name, m.Parts, m.Encoding)
		}
	}
}

// An OriginationIdentity is a number, an id, a name or an ARN of one of three
// kinds (the model's SendTextMessage).
func TestSpellingsOfAnIdentity(t *testing.T) {
	d := newDesk(t, nil)
	for given, c := range map[string]struct{ to, identity, pool string }{
		"+12065550100":                  {inUS, "+12065550100", ""},
		"12065550100":                   {inUS, "+12065550100", ""},
		numberUS:                        {inUS, "+12065550100", ""},
		arn("phone-number/" + numberUS): {inUS, "+12065550100", ""},
		"54321":                         {inCanada, "54321", ""},
		numberShort:                     {inCanada, "54321", ""},
		memberAcme:                      {inGermany, "+4915100000001", ""}, // by itself, not for its pool
		poolGermany:                     {inGermany, "", poolGermany},
		arn("pool/" + poolGermany):      {inGermany, "", poolGermany},
		"HELIO":                         {inBritain, "HELIO", ""},
		arn("sender-id/HELIO/GB"):       {inBritain, "HELIO", ""},
		"pool-1":                        {inBritain, "pool-1", ""}, // short enough to be a sender ID
		"654321":                        {inIndia, "654321", ""},
		arn("sender-id/654321/IN"):      {inIndia, "654321", ""},
	} {
		m := d.accepted(t, Request{Destination: c.to, OriginationIdentity: given, Body: "hello"})
		if c.identity != "" && m.Route.Identity != c.identity || m.Route.PoolID != c.pool {
			t.Errorf("%s: sent from %s of pool %q", given, m.Route.Identity, m.Route.PoolID)
		}
	}
	for given, want := range map[string]string{
		"+12065550100": "phone-number/" + numberUS, "54321": "phone-number/" + numberShort, numberUS: "phone-number/" + numberUS,
		poolGermany: "pool/" + poolGermany, "HELIO": "sender-id/HELIO", "654321": "sender-id/654321", "+1999": "phone-number/+1999",
		"a/b": "/a/b", "registration-0123456789": "/registration-0123456789",
	} {
		if kind, id := Named(d.account(), given); string(kind)+"/"+id != want {
			t.Errorf("%s names %s/%s, want %s", given, kind, id, want)
		}
	}
}

func TestEncodings(t *testing.T) {
	d := newDesk(t, nil)
	for name, c := range map[string]struct {
		body, identity, encoding string
		parts                    int
		reference16              bool
	}{
		"the most of GSM":               {strings.Repeat("a", 1530), memberAcme, "GSM", 10, false},
		"the most of two septets":       {strings.Repeat("€", 760), memberAcme, "GSM", 10, false},
		"the most of others":            {strings.Repeat("я", 630), memberAcme, "Unicode", 10, false},
		"a carrier's alphabet lacks it": {"€", memberLatin, "Unicode", 1, false},
		"another's has it":              {"€", memberAcme, "GSM", 1, false},
	} {
		m := d.accepted(t, Request{Destination: inGermany, OriginationIdentity: c.identity, Body: c.body})
		if m.Encoding != c.encoding || m.Parts != c.parts || m.Reference16 != c.reference16 || m.Price != sms.Money(50_000*c.parts) {
			t.Errorf("%s: %d parts in %s for %s", name, m.Parts, m.Encoding, m.Price)
		}
	}
	d.carriers.cuts["acme"] = d.carriers.cuts["wide"]
	if m := d.accepted(t, Request{Destination: inGermany, OriginationIdentity: memberAcme, Body: strings.Repeat("a", 306)}); m.Parts != 3 || !m.Reference16 {
		t.Errorf("%d parts with 16-bit references", m.Parts)
	}
}

// MaxPrice is for the whole message, carrier fees included.
func TestMaxPrice(t *testing.T) {
	d := newDesk(t, nil)
	for _, r := range []Request{
		{Destination: inUS, Body: "a", MaxPrice: "0.01"},
		{Destination: inUS, Body: strings.Repeat("a", 161), MaxPrice: ".02000"},
		{Destination: simulatorUS, OriginationIdentity: numberSim, Body: strings.Repeat("a", 1530), MaxPrice: "0.0"},
	} {
		m := d.accepted(t, r)
		if m.MaxPrice != r.MaxPrice {
			t.Errorf("kept as %s", m.MaxPrice)
		}
	}
}

func TestDryRun(t *testing.T) {
	d := newDesk(t, nil)
	run := func(r Request) error {
		r.DryRun, r.Body = true, "hello"
		id, err := d.send(r)
		if _, bad := d.ids.Parse(id); err == nil && bad != nil {
			t.Errorf("MessageId %q", id)
		}
		return err
	}
	until := func(r Request) (passed int) {
		for run(r) == nil {
			passed++
		}
		refused{kind: sms.KindThrottled}.check(t, "", run(r))
		return passed
	}
	ten := Request{Destination: inGermany, OriginationIdentity: memberAcme}
	if got := until(ten); got != 5 {
		t.Errorf("%d parts pass at once from an identity of 10 a second, want 5", got)
	}
	if got := until(Request{Destination: inUS, OriginationIdentity: numberUS}); got != 1 {
		t.Errorf("%d parts pass at once from an identity of 1 a second, want 1", got)
	}
	if got := until(Request{Destination: inBritain, OriginationIdentity: "HELIO"}); got != 3 {
		t.Errorf("%d parts pass at once from an identity of 3 a second, want 3", got)
	}
	passed := 0
	for range 100 { // ten seconds
		d.sleep(100 * time.Millisecond)
		if run(ten) == nil {
			passed++
		}
	}
	if passed != 50 {
		t.Errorf("%d parts passed in ten seconds, want 50", passed)
	}

	// A long message passes after a pause and is paid for in time.
	d.sleep(time.Minute)
	long := Request{Destination: inGermany, OriginationIdentity: memberBeta, Body: strings.Repeat("a", 1530), DryRun: true}
	if _, err := d.send(long); err != nil {
		t.Errorf("ten parts: %v", err)
	}
	if d.sleep(1100 * time.Millisecond); !isThrottled(run(Request{Destination: inGermany, OriginationIdentity: memberBeta})) {
		t.Error("ten parts took less than two seconds")
	}
	if d.sleep(time.Second); run(Request{Destination: inGermany, OriginationIdentity: memberBeta}) != nil {
		t.Error("ten parts took more than two seconds")
	}
	d.isEmpty(t)

	// It counts against the spend limit without being counted.
	d.limit.Store(50_000)
	d.sleep(time.Minute)
	for range 2 {
		if err := run(ten); err != nil {
			t.Errorf("just affordable: %v", err)
		}
	}
	d.limit.Store(49_999)
	refused{sms.KindQuotaExceeded, sms.ReasonMonthlySpendLimitReachedForText, ""}.check(t, "", run(ten))
	d.isEmpty(t)
}

func isThrottled(err error) bool {
	e, ok := sms.AsError(err)
	return ok && e.Kind == sms.KindThrottled
}

func TestDryRunsAreBounded(t *testing.T) {
	d := newDryRuns()
	for i := range 2*dryRunLanes + 5 {
		if err := d.take(sms.Route{Lane: fmt.Sprint(i), PartsPerSecond: 1}, 1, began); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.lanes) > dryRunLanes {
		t.Errorf("%d lanes are remembered", len(d.lanes))
	}
	if err := d.take(sms.Route{Lane: "no rate"}, 1, began); err != nil {
		t.Error(err)
	}
}

// No MessageId is answered for a message that is not durable, and what it would
// have cost can be spent by others.
func TestStoreFails(t *testing.T) {
	d := newDesk(t, nil)
	d.limit.Store(10_000) // one message
	for name, c := range map[string]struct {
		err       error
		throttled bool
	}{
		"busy":      {store.ErrUnavailable, true},
		"full":      {fmt.Errorf("write: %w", store.ErrFull), true},
		"fenced":    {store.ErrFenced, false},
		"surprised": {errors.New("disk on fire"), false},
	} {
		d.engine.fails.Store(&c.err)
		id, err := d.send(Request{Destination: inUS, Body: "hello"})
		if id != "" || !errors.Is(err, c.err) || isThrottled(err) != c.throttled {
			t.Errorf("%s: answered %q, %v", name, id, err)
		}
	}
	d.engine.fails.Store(nil)
	d.isEmpty(t)
	if _, err := d.send(Request{Destination: inUS, Body: "hello"}); err != nil {
		t.Errorf("the store works again: %v", err)
	}
	d.committer.Close()
	if id, err := d.send(Request{Destination: simulatorUS, OriginationIdentity: numberSim, Body: "hello"}); id != "" || !isThrottled(err) {
		t.Errorf("while stopping: answered %q, %v", id, err)
	}
}

func TestMessageIDComesAfterTheCommit(t *testing.T) {
	d := newDesk(t, nil)
	entered, release := make(chan struct{}), make(chan struct{})
	look := func([]*store.Change) {
		close(entered)
		<-release
	}
	d.engine.before.Store(&look)
	answered := make(chan string, 1)
	go func() {
		id, err := d.send(Request{Destination: inUS, Body: "hello"})
		if err != nil {
			t.Error(err)
		}
		answered <- id
	}()
	<-entered
	for range 1_000 { // in which an answer would be too early
		runtime.Gosched()
	}
	select {
	case id := <-answered:
		t.Fatalf("%s was answered before the commit", id)
	default:
	}
	close(release)
	d.stored(t, <-answered)
}

// Two hundred senders at once spend exactly the limit.
func TestSpendLimitIsExact(t *testing.T) {
	d := newDesk(t, nil)
	const senders, affordable = 200, 137
	d.limit.Store(affordable*10_000 + 9_999)
	account := d.account()
	var accepted, over atomic.Int64
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			_, err := d.Send(context.Background(), account, Request{Destination: fmt.Sprintf("+1206555%04d", i), Body: "hello"})
			if e, ok := sms.AsError(err); ok && e.Reason == sms.ReasonMonthlySpendLimitReachedForText {
				over.Add(1)
			} else if err == nil {
				accepted.Add(1)
			} else {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	counts, err := d.engine.Counts(t.Context())
	if accepted.Load() != affordable || over.Load() != senders-affordable || counts.Queued != affordable || err != nil {
		t.Errorf("%d accepted, %d refused, %d in the store, %v", accepted.Load(), over.Load(), counts.Queued, err)
	}
	if got := d.spent(t); got != affordable*10_000 {
		t.Errorf("%s USD are spent", got)
	}
	if _, err := d.send(Request{Destination: simulatorUS, OriginationIdentity: numberSim, Body: "hello"}); err != nil {
		t.Errorf("the simulator costs nothing: %v", err)
	}
	d.sleep(8 * 24 * time.Hour) // into December
	if _, err := d.send(Request{Destination: inUS, Body: "hello"}); err != nil {
		t.Errorf("a new month: %v", err)
	}
}

// References of messages that follow each other differ in both widths.
func TestReferences(t *testing.T) {
	ids := sms.NewIDs(1, 0)
	for _, step := range []time.Duration{0, time.Millisecond, 50 * time.Millisecond, time.Second, time.Minute} {
		seen, narrow := map[uint16]bool{}, map[uint8]bool{}
		same, last := 0, uint16(0)
		const messages = 200
		for i := range messages {
			r := reference(ids.Next(began.Add(time.Duration(i) * step)))
			if uint8(r) == uint8(last) {
				same++
			}
			last, seen[r], narrow[uint8(r)] = r, true, true
		}
		// By chance 139 of the 256 narrow ones are taken, and fewer than one follows itself.
		if len(seen) < messages*98/100 || len(narrow) < 120 || same > 4 {
			t.Errorf("%d messages %v apart have %d references, %d of 8 bits, %d like the one before", messages, step, len(seen), len(narrow), same)
		}
	}
}
