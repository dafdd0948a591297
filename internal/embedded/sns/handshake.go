package sns

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// asking is how many endpoints are asked to confirm at once, askingOfAccount how many of
// one account.
const (
	asking          = 32
	askingOfAccount = 4
)

// lookEvery is how often subscriptions that wait are looked for, of those that another
// node made.
const lookEvery = time.Second

// pauses are those between the tries to ask an endpoint that does not take the request;
// the last one goes on until the token is too old.
var pauses = []time.Duration{5 * time.Second, 20 * time.Second, time.Minute, 5 * time.Minute, 20 * time.Minute, time.Hour, 6 * time.Hour}

// askAgain is how long after an endpoint took the request it is asked again, for the first
// time, where nobody has confirmed: the link may have failed for it.
const askAgain = 5 * time.Minute

// next is when a subscription that waits is to be asked, as far as its endpoint took the
// request before: after 5 minutes, 10, 20, ...
func next(v *sms.Subscription) time.Time {
	if v.Asked.IsZero() {
		return time.Time{}
	}
	since := v.Asked.Sub(v.TokenUntil.Add(-tokenTime))
	return v.Asked.Add(max(since, askAgain))
}

// HandshakeOptions are what a Handshake is made of. All are needed.
type HandshakeOptions struct {
	Place     Place
	PublicURL string // where endpoints reach the API's port, without a slash at its end
	Directory *resources.Directory
	Signer    *Signer
	Client    *http.Client
	// Mine reports whether this node is the one that asks.
	Mine func() bool
	Log  *slog.Logger
	Now  func() time.Time
}

// Handshake asks the endpoints of subscriptions that wait to confirm them, more and more
// seldom until they are confirmed, and deletes subscriptions that nobody confirmed in time. What it
// knows of is in the store: a node that is up does it.
type Handshake struct {
	HandshakeOptions
	wake chan struct{}

	first string // the account that the next look begins with

	mu    sync.Mutex
	tries map[string]*try // by account and subscription id
}

// try is how an endpoint stands.
type try struct {
	token    string
	underway bool
	failures int
	next     time.Time
}

// NewHandshake makes a Handshake; Run has it begin.
func NewHandshake(o HandshakeOptions) *Handshake {
	return &Handshake{HandshakeOptions: o, wake: make(chan struct{}, 1), tries: map[string]*try{}}
}

// Wake has it look at once.
func (h *Handshake) Wake() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Run asks until ctx ends.
func (h *Handshake) Run(ctx context.Context) {
	var tries sync.WaitGroup
	defer tries.Wait()
	free := make(chan struct{}, asking)
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		if h.Mine() {
			h.look(ctx, free, &tries)
		}
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
		case <-ticker.C:
		}
	}
}

// waiting is a subscription that waits for its confirmation.
type waiting struct {
	account string
	sms.Subscription
}

func (w *waiting) key() string { return w.account + "/" + w.ID }

// look begins what is due, in turn of all accounts.
func (h *Handshake) look(ctx context.Context, free chan struct{}, tries *sync.WaitGroup) {
	there := map[string]bool{}
	accounts := h.Directory.Inventory().Accounts.All()
	begin := max(slices.IndexFunc(accounts, func(a *resources.Item[resources.Account]) bool { return a.ID == h.first }), 0)
	h.first = ""
	for _, account := range slices.Concat(accounts[begin:], accounts[:begin]) {
		for _, w := range h.due(ctx, account.ID, there) {
			select {
			case free <- struct{}{}:
				h.mark(w, true)
				tries.Go(func() {
					defer func() { <-free }()
					h.ask(ctx, w)
				})
				continue
			default:
			}
			if h.first == "" {
				h.first = account.ID // the rest comes at the next look
			}
			break
		}
	}
	h.forget(there)
}

// due are the subscriptions of an account whose endpoints are to be asked now, those
// that failed least first. It deletes those that were not confirmed in time, and adds
// all that wait to there.
func (h *Handshake) due(ctx context.Context, account string, there map[string]bool) (all []*waiting) {
	snapshot, now := h.Directory.Account(account), h.Now()
	if snapshot == nil {
		return nil
	}
	places := askingOfAccount
	failures := map[*waiting]int{}
	for _, item := range snapshot.Subscriptions.All() {
		if item.Value.Confirmed {
			continue
		}
		w := &waiting{account, item.Value}
		there[w.key()] = true
		if now.After(w.TokenUntil) {
			h.expire(ctx, w)
			continue
		}
		h.mu.Lock()
		t := try{}
		if of := h.tries[w.key()]; of != nil {
			t = *of
		}
		h.mu.Unlock()
		switch {
		case t.underway:
			places--
		case !now.Before(next(&w.Subscription)) && !now.Before(t.next):
			failures[w] = t.failures
			all = append(all, w)
		}
	}
	slices.SortStableFunc(all, func(a, b *waiting) int { return cmp.Compare(failures[a], failures[b]) })
	return all[:max(min(places, len(all)), 0)]
}

func (h *Handshake) mark(w *waiting, underway bool) *try {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.tries[w.key()]
	if t == nil {
		t = &try{}
		h.tries[w.key()] = t
	}
	t.underway = underway
	return t
}

// forget drops what is known of subscriptions that do not wait any more.
func (h *Handshake) forget(there map[string]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key, t := range h.tries {
		if !there[key] && !t.underway {
			delete(h.tries, key)
		}
	}
}

// ask asks an endpoint once, and keeps that it took the request.
func (h *Handshake) ask(ctx context.Context, w *waiting) {
	err := h.request(ctx, w)
	if err == nil {
		err = h.asked(ctx, w)
	}
	t := h.mark(w, false)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		t.failures, t.next = 0, time.Time{}
		return
	}
	pause := pauses[min(t.failures, len(pauses)-1)]
	t.failures, t.next = t.failures+1, h.Now().Add(pause)
	if ctx.Err() == nil {
		h.Log.Warn("a subscription's endpoint did not take the request to confirm", "account", w.account, "topic", w.Topic, "subscription", w.ID,
			"again_in", pause, "error", err)
	}
}

// request posts the request to confirm.
func (h *Handshake) request(ctx context.Context, w *waiting) error {
	by, err := h.Signer.identity(ctx)
	if err != nil {
		return err
	}
	arn := h.Place.topicARN(w.account, w.Topic)
	n := notice{Type: kindConfirmation, MessageID: newID(), Token: w.Token, TopicARN: arn, Timestamp: timestamp(h.Now()),
		Message:      "This endpoint was subscribed to the topic " + arn + ".\nA GET of the SubscribeURL confirms that; without it nothing is sent here.",
		SubscribeURL: publicURL(h.PublicURL, "ConfirmSubscription", "TopicArn", arn, "Token", w.Token)}
	version := "2"
	if snapshot := h.Directory.Account(w.account); snapshot != nil {
		if topic := snapshot.Topics.Get(w.Topic); topic != nil {
			version = topicAttribute(&topic.Value, attributeSignatureVersion)
		}
	}
	body, err := n.finish(by, version, h.PublicURL)
	if err != nil {
		return err
	}
	what := post{endpoint: w.Endpoint, kind: kindConfirmation, messageID: n.MessageID, topicARN: arn, body: body}
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	return what.send(ctx, h.Client)
}

// asked keeps that the endpoint took it.
func (h *Handshake) asked(ctx context.Context, w *waiting) error {
	return h.Directory.Change(context.WithoutCancel(ctx), w.account, func(tx *resources.Tx) error {
		item := tx.Subscriptions.Get(w.ID)
		if item == nil || item.Value.Confirmed {
			return nil
		}
		v := item.Value
		v.Asked = tx.Now
		tx.Subscriptions.Put(v.ID, v)
		return nil
	})
}

// expire deletes a subscription that nobody confirmed in time.
func (h *Handshake) expire(ctx context.Context, w *waiting) {
	err := h.Directory.Change(ctx, w.account, func(tx *resources.Tx) error {
		if item := tx.Subscriptions.Get(w.ID); item != nil && !item.Value.Confirmed && tx.Now.After(item.Value.TokenUntil) {
			dropSubscription(tx, w.account, w.ID)
		}
		return nil
	})
	if err != nil {
		h.Log.Error("a subscription that was not confirmed in time could not be deleted", "subscription", w.ID, "error", err)
	}
}
