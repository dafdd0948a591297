package inbound

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"heliograph/internal/carrier"
	"heliograph/internal/numbering"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Lists is what is read of the store.
type Lists interface {
	Entries(ctx context.Context, keys []store.EntryKey) ([]*store.Entry, error)
	EntriesAfter(ctx context.Context, scan store.EntryScan) ([]store.Entry, error)
}

// Committer makes a change durable; store.Committer is the one there is.
type Committer interface {
	Commit(change *store.Change) error
}

// Reply is an answer that was accepted and is not written yet.
type Reply interface {
	Into(change *store.Change) // adds it to a change, which is committed next
	Abandon()                  // takes it back: the change was not committed
}

// Replier accepts answers. They leave from the number that was written to, whatever the
// recipient's opt-out or the sandbox say. The error says why there can be none, or is the
// store's where that cannot be known now.
type Replier func(ctx context.Context, s *resources.Snapshot, number *sms.PhoneNumber, to, body string) (Reply, error)

// Options are what a Flow is made of.
type Options struct {
	Lists      Lists
	Committer  Committer
	Directory  *resources.Directory
	Reply      Replier
	IDs        *sms.IDs // of messages
	MessageIDs *sms.MessageIDs
	Keys       *Keys
	// Timeout is how long a message waits for its parts; 0: ReassemblyTimeout.
	Timeout time.Duration
	// AnswersPerHour is how many answers a sender gets from one number in each hour of the
	// clock, by this node; 0: all.
	AnswersPerHour int
	// Sweeps reports whether this node ends messages whose parts do not come, which one
	// does for all; nil where there is one only.
	Sweeps  func() bool
	Metrics *Metrics
	Log     *slog.Logger
	Now     func() time.Time
}

// ReassemblyTimeout is how long a message waits for its parts where nothing else is
// configured.
const ReassemblyTimeout = 10 * time.Minute

// AnswersPerHour is Options.AnswersPerHour where nothing else is configured.
const AnswersPerHour = 20

const (
	// workers is how many messages are handled at a time.
	workers = 16
	// maxWaiting bounds the parts that wait for a worker; a carrier is asked to send
	// those above again.
	maxWaiting = 512
	// readLimit bounds one read of the store.
	readLimit = 10 * time.Second
	// maxPartOctets is the most text, as UTF-8, that is kept of one of several parts. A
	// handset's have 160 characters at most, but with message_payload there is room for
	// more.
	maxPartOctets = 4 << 10
	// maxTextOctets is the most that is kept of a message of several parts. A handset's
	// longest, of 255 parts, has less.
	maxTextOctets = 64 << 10
	// maxSenderParts is how many parts of one sender may wait: before there are more,
	// the oldest of his messages is made of what there is of it.
	maxSenderParts = 512
)

// errBusy has a carrier send again what there is no room for.
var errBusy = errors.New("too many messages from handsets wait to be handled")

// Flow handles messages from handsets.
type Flow struct {
	o       Options
	began   time.Time
	answers answers
	lanes   [workers]chan job
	mu      sync.RWMutex
	closed  bool
	running sync.WaitGroup
}

// job is a part with who waits for its acknowledgement.
type job struct {
	in   carrier.Inbound
	done func(error)
}

// New makes a Flow. Run has to follow.
func New(o Options) *Flow {
	if o.Timeout <= 0 {
		o.Timeout = ReassemblyTimeout
	}
	f := &Flow{o: o, answers: answers{limit: o.AnswersPerHour}}
	for i := range f.lanes {
		f.lanes[i] = make(chan job, maxWaiting)
	}
	return f
}

// Inbound takes a message part in; see carrier.Sink.
func (f *Flow) Inbound(m carrier.Inbound, done func(error)) {
	j := job{in: m, done: done}
	if j.in.At.IsZero() {
		j.in.At = f.o.Now()
	}
	if m.Binary {
		f.passOver(&j, carrier.InboundBinary)
		return
	}
	f.tidy(&j.in)
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.closed {
		done(store.ErrClosed)
		return
	}
	select {
	case f.lanes[digest(j.in.From, m.To)%workers] <- j:
	default:
		done(errBusy)
	}
}

// tidy writes a part's sender as recipients are written, if it has a phone number, and
// cuts off more text than is kept.
func (f *Flow) tidy(m *carrier.Inbound) {
	if number, ok := phoneNumber(m.From); ok {
		m.From = number
	}
	if m.Total > 1 && len(m.Text) > maxPartOctets {
		m.Text, m.Tail = cut(m.Text, maxPartOctets), 0
		f.o.Metrics.Cut.WithLabelValues(m.Carrier).Inc()
		f.o.Log.Warn("part of a message from a handset is cut off", "carrier", m.Carrier, "octets", maxPartOctets)
	}
}

// phoneNumber is the E.164 format of a sender that carriers write with a plus sign. ok is
// false where that is no number, and for short codes and names: whoever has one of those
// can neither be answered nor be on an opt-out list.
func phoneNumber(from string) (e164 string, ok bool) {
	if !strings.HasPrefix(from, "+") {
		return "", false
	}
	n, err := numbering.Parse(from)
	return n.E164, err == nil
}

// cut is the beginning of a text, of whole characters and of so many octets at most.
func cut(text string, octets int) string {
	if len(text) <= octets {
		return text
	}
	for octets > 0 && !utf8.RuneStart(text[octets]) {
		octets--
	}
	return text[:octets]
}

// passOver acknowledges a part that would come again otherwise, and no better.
func (f *Flow) passOver(j *job, result carrier.InboundResult) {
	f.o.Metrics.Messages.WithLabelValues(j.in.Carrier, string(result)).Inc()
	f.o.Log.Info("message from a handset dropped", "carrier", j.in.Carrier, "result", string(result))
	j.tell(carrier.InboundOutcome{Result: result})
	j.done(nil)
}

func (j *job) tell(o carrier.InboundOutcome) {
	if j.in.Outcome != nil {
		*j.in.Outcome = o
	}
}

// Run starts handling, and looking for messages whose parts do not come. It returns at
// once; Close ends it.
func (f *Flow) Run(ctx context.Context) {
	f.began = f.o.Now()
	ready := make(chan struct{})
	f.running.Go(func() {
		defer close(ready)
		limited, cancel := context.WithTimeout(ctx, readLimit)
		defer cancel()
		if err := f.renew(limited); err != nil && ctx.Err() == nil {
			f.o.Log.Error("parts of messages from handsets have their older keys until the next sweep", "error", err)
		}
	})
	for _, lane := range f.lanes {
		f.running.Go(func() {
			<-ready
			for j := range lane {
				f.handle(&j)
			}
		})
	}
	f.running.Go(func() { f.sweep(ctx) })
}

// Close handles what came in and stops. The context of Run has to have ended.
func (f *Flow) Close() {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		for _, lane := range f.lanes {
			close(lane)
		}
	}
	f.mu.Unlock()
	f.running.Wait()
}

// handle takes a part as far as it goes, and answers the carrier.
func (f *Flow) handle(j *job) {
	account, number := f.find(&j.in)
	if number == nil {
		f.passOver(j, carrier.InboundUnknown)
		return
	}
	var outcome carrier.InboundOutcome
	var err error
	if j.in.Total > 1 {
		outcome, err = f.assemble(partOf(&j.in))
	} else {
		outcome, err = f.finishAlone(message{carrier: j.in.Carrier, from: j.in.From, text: j.in.Text, beginning: true,
			account: account, number: number})
	}
	if err != nil {
		f.o.Log.Error("message from a handset cannot be kept; its carrier is asked to send it again", "carrier", j.in.Carrier, "error", err)
		j.done(err)
		return
	}
	j.tell(outcome)
	j.done(nil)
}

// find is the account that leases the number that a message is for, and the number; nil
// where nobody does. Carriers write numbers with and without plus sign. Of a number that
// several have, such as a short code of several countries, it is the one that belongs to
// the message's carrier.
func (f *Flow) find(m *carrier.Inbound) (s *resources.Snapshot, n *sms.PhoneNumber) {
	for _, a := range f.o.Directory.Inventory().Accounts.All() {
		account := f.o.Directory.Account(a.ID)
		if account == nil {
			continue
		}
		item := account.Number(m.To)
		if item == nil {
			item = account.Number(otherForm(m.To))
		}
		if item != nil && (n == nil || n.Carrier != m.Carrier) {
			s, n = account, &item.Value
		}
	}
	return s, n
}

func otherForm(number string) string {
	if number != "" && number[0] == '+' {
		return number[1:]
	}
	return "+" + number
}

// read gives a context for reads of the store.
func read() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), readLimit)
}

func wrap(doing string, err error) error { return fmt.Errorf("%s: %w", doing, err) }
