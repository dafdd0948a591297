package sns

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"heliograph/internal/destination"
	"heliograph/internal/embedded/sns/filter"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// parallel is how many messages are on their way to one subscription at once. They are
// begun in their order, and those about one text message or from one handset wait until
// the one before is taken or refused for good. Beyond that there is no order, as in a
// standard topic of Amazon SNS.
const parallel = 16

// failuresInRow is after how many failures without a success between them no further
// message of a batch is begun.
const failuresInRow = 3

// A message that fails again and again while its endpoint takes others is given up, and
// a dead letter: when an hour has gone by since its first failure and the endpoint took
// others between twenty of its failures. Where an endpoint takes nothing, nothing is
// given up.
const (
	giveUpTime = time.Hour
	giveUpTurn = 20
)

// maxStruggles bounds for how many messages it is known how often they failed.
const maxStruggles = 10_000

// SubscribersOptions are what Subscribers are made of. All are needed.
type SubscribersOptions struct {
	Place     Place
	PublicURL string // where endpoints reach the API's port, without a slash at its end
	Directory *resources.Directory
	Committer Committer
	Sender    Sender
	Signer    *Signer
	IDs       *MessageIDs
	Client    *http.Client
	Metrics   *Metrics
	Log       *slog.Logger
	Now       func() time.Time
}

// Subscribers deliver to subscriptions.
type Subscribers struct{ SubscribersOptions }

// NewSubscribers makes Subscribers.
func NewSubscribers(o SubscribersOptions) *Subscribers { return &Subscribers{o} }

// place names an event.
type place struct {
	slot int
	seq  int64
}

func placeOf(i *destination.Item) place { return place{i.Slot, i.Seq} }

// subscriber delivers to one subscription.
//
// An endpoint may take longer for an answer than a publication may. Then Publish leaves
// the delivery alone, which goes on, and says that the message is to be published
// again: when it is, the delivery is waited for and not made twice.
type subscriber struct {
	*Subscribers
	account, id string
	free        chan struct{} // has room for each delivery under way

	mu        sync.Mutex
	underway  map[place]*delivery
	struggles map[place]*struggle
	taken     int64 // messages that the endpoint took
	policy    *filter.Policy
	of        [2]string // the text and scope of policy
}

// struggle is how a message failed that is still to be delivered.
type struggle struct {
	failures int
	first    time.Time
	taken    int64 // by the endpoint, at the last failure
	turns    int   // failures before which the endpoint took others
}

// delivery is one message on its way.
type delivery struct {
	done chan struct{}
	// What came of it, when done is closed.
	outcome outcome
	err     error
	held    bool // it failed because the one before it did
}

type outcome int

const (
	delivered outcome = iota
	filtered          // its filter policy keeps it from the subscription
	failed            // to be tried again
	refused           // a dead letter
)

// Publisher delivers to a subscription of an account.
func (s *Subscribers) Publisher(account, id string) destination.Publisher {
	return &subscriber{Subscribers: s, account: account, id: id, free: make(chan struct{}, parallel),
		underway: map[place]*delivery{}, struggles: map[place]*struggle{}}
}

// Publish delivers a batch. Messages that failed before come after the others, so that
// a few that an endpoint never takes keep nothing from it.
func (p *subscriber) Publish(ctx context.Context, batch []destination.Item) error {
	snapshot := p.Directory.Account(p.account)
	if snapshot == nil {
		return fmt.Errorf("there is no account %s", p.account)
	}
	item := snapshot.Subscriptions.Get(p.id)
	if item == nil {
		return fmt.Errorf("there is no subscription %s", p.id)
	}
	topic := snapshot.Topics.Get(item.Value.Topic)
	if topic == nil {
		return fmt.Errorf("the topic of subscription %s is gone", p.id)
	}
	policy, err := p.filter(&item.Value)
	if err != nil {
		return err
	}
	to := target{account: snapshot, subscription: &item.Value, topic: &topic.Value, policy: policy}

	all := make([]*delivery, len(batch))
	failures, collected := 0, 0 // in a row, of those that are begun here
	order := p.order(batch)
	collect := func(wait bool) {
		for collected < len(order) && all[order[collected]] != nil {
			d := all[order[collected]]
			if !wait {
				select {
				case <-d.done:
				default:
					return
				}
			} else {
				select {
				case <-d.done:
				case <-ctx.Done():
					return
				}
			}
			switch collected++; {
			case d.held:
			case d.outcome == failed:
				failures++
			default:
				failures = 0
			}
		}
	}
	last := map[string]*delivery{}
	for _, i := range order {
		subject := subjectOf(batch[i].JSON)
		if all[i] = p.begin(ctx, to, &batch[i], last[subject]); all[i] == nil {
			break // ctx ended
		}
		if subject != "" {
			last[subject] = all[i]
		}
		if collect(false); failures >= failuresInRow {
			break
		}
	}
	collect(true)
	return p.outcomes(batch, all, ctx.Err())
}

// filter is the subscription's policy, which is read once.
func (p *subscriber) filter(v *sms.Subscription) (*filter.Policy, error) {
	of := [2]string{v.Attributes[attributeFilter], v.Attributes[attributeFilterScope]}
	p.mu.Lock()
	defer p.mu.Unlock()
	if of != p.of || p.policy == nil && of[0] != "" {
		policy, err := policyOf(v)
		if err != nil {
			return nil, err
		}
		if of[0] == "" {
			policy = nil
		}
		p.policy, p.of = policy, of
	}
	return p.policy, nil
}

// order is that in which a batch is begun: by how often each failed, or the first of
// those about the same.
func (p *subscriber) order(batch []destination.Item) []int {
	order := make([]int, len(batch))
	for i := range order {
		order[i] = i
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.struggles) > 0 {
		failures := make([]int, len(batch))
		bySubject := map[string]int{}
		for i := range batch {
			subject := subjectOf(batch[i].JSON)
			n, known := bySubject[subject]
			if s := p.struggles[placeOf(&batch[i])]; !known && s != nil {
				n = s.failures
			}
			if failures[i] = n; subject != "" {
				bySubject[subject] = n
			}
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(failures[a], failures[b]) })
	}
	return order
}

// struggled counts a failure, and reports whether the message is to be given up.
func (p *subscriber) struggled(at place) bool {
	now := p.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.struggles[at]
	if s == nil {
		if len(p.struggles) >= maxStruggles {
			clear(p.struggles) // most are of messages that are not tried any more
		}
		s = &struggle{first: now, taken: p.taken}
		p.struggles[at] = s
	}
	if s.failures++; p.taken > s.taken {
		s.taken, s.turns = p.taken, s.turns+1
	}
	return s.turns >= giveUpTurn && now.Sub(s.first) >= giveUpTime
}

// settled forgets how a message failed.
func (p *subscriber) settled(at place, o outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.struggles, at)
	if o == delivered {
		p.taken++
	}
}

// begin begins a delivery as soon as there is room, or gives the one under way; nil
// where ctx ends before. It is made when the one before it, if any, is over, and fails
// where that one failed.
func (p *subscriber) begin(ctx context.Context, to target, item *destination.Item, before *delivery) *delivery {
	at := placeOf(item)
	p.mu.Lock()
	d := p.underway[at]
	p.mu.Unlock()
	if d != nil {
		return d
	}
	select {
	case p.free <- struct{}{}:
	case <-ctx.Done():
		return nil
	}
	d = &delivery{done: make(chan struct{})}
	p.mu.Lock()
	p.underway[at] = d
	p.mu.Unlock()
	of := *item
	go func() {
		defer func() {
			close(d.done)
			<-p.free
		}()
		if before != nil {
			if <-before.done; before.outcome == failed {
				d.outcome, d.err, d.held = failed, before.err, true
				return
			}
		}
		// It is not ctx's: what was begun is finished.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), postTime)
		defer cancel()
		d.outcome, d.err = p.deliver(ctx, to, &of)
	}()
	return d
}

// subjectOf is what an event is about: the handset that wrote, or the text message that
// was sent; "" where it says neither.
func subjectOf(event []byte) string {
	for _, name := range []string{"originationNumber", "messageId"} {
		if _, value, found := bytes.Cut(event, []byte(`"`+name+`":"`)); found {
			value, _, _ = bytes.Cut(value, []byte(`"`))
			return string(value)
		}
	}
	return ""
}

// outcomes gathers what came of a batch.
func (p *subscriber) outcomes(batch []destination.Item, all []*delivery, ended error) error {
	var partial destination.Partial
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, d := range all {
		at := placeOf(&batch[i])
		if d == nil {
			partial.Retry = append(partial.Retry, i)
			continue
		}
		select {
		case <-d.done:
		default: // under way still
			partial.Retry = append(partial.Retry, i)
			if partial.Err == nil {
				partial.Err = ended
			}
			continue
		}
		delete(p.underway, at)
		if d.err != nil && (partial.Err == nil || partial.Err == ended) {
			partial.Err = fmt.Errorf("subscription %s: %w", p.id, d.err)
		}
		switch d.outcome {
		case failed:
			partial.Retry = append(partial.Retry, i)
		case refused:
			partial.Refused = append(partial.Refused, i)
		}
	}
	if partial.Retry == nil && partial.Refused == nil {
		return nil
	}
	if partial.Err == nil {
		partial.Err = ended
	}
	return &partial
}
