package smpp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/smpp"
	"heliograph/internal/smpp/pdu"
)

// Options are what New needs.
type Options struct {
	Name           string
	Config         Config
	PartsPerSecond float64 // told by Traits, for the queue to keep to; 0 is no limit
	// BeforeWrite, if set, is asked before message parts are written to a socket. Its
	// error ends the session with none of them sent.
	BeforeWrite func() error
	Log         *slog.Logger // default slog.Default()
}

// Carrier is a message centre. It is made by New.
type Carrier struct {
	name    string
	rate    float64
	config  Config // with its defaults
	tls     *tls.Config
	rules   rules
	meaning meaning
	before  func() error
	log     *slog.Logger
	links   []*link
	counts  counters
	running sync.WaitGroup // links
	stop    context.CancelFunc
	sink    carrier.Sink
	changed func()

	mu      sync.Mutex
	started bool
	closing bool
}

var _ carrier.Carrier = (*Carrier)(nil)

// New makes a carrier that is not connected yet. The error names the key of the
// configuration that cannot be used.
func New(o Options) (*Carrier, error) {
	wrap := func(err error) (*Carrier, error) {
		return nil, fmt.Errorf("carrier %s: smpp: %w", o.Name, err)
	}
	if o.Name == "" {
		return nil, errors.New("carrier: a name is needed")
	}
	if !(o.PartsPerSecond >= 0) {
		return nil, fmt.Errorf("carrier %s: parts_per_second: %v, 0 or more is needed", o.Name, o.PartsPerSecond)
	}
	if err := o.Config.Validate(); err != nil {
		return wrap(err)
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	c := &Carrier{name: o.Name, rate: o.PartsPerSecond, before: o.BeforeWrite, config: o.Config.withDefaults(), log: o.Log.With("carrier", o.Name)}
	var err error
	if c.tls, err = c.config.TLS.config(); err != nil {
		return wrap(err)
	}
	if c.rules, err = newRules(c.config.Profile.Statuses); err != nil {
		return wrap(err)
	}
	c.meaning = newMeaning(c.config.Profile)
	binds := []pdu.BindType{pdu.Transceiver}
	if c.config.Bind == TransmitterReceiver {
		binds = []pdu.BindType{pdu.Transmitter, pdu.Receiver}
	}
	for i := range c.config.Sessions {
		for _, bind := range binds {
			c.links = append(c.links, &link{
				carrier: c, number: i, bind: bind, log: c.log.With("session", i+1, "bind", bind.String()),
			})
		}
	}
	return c, nil
}

// Name is the carrier's name.
func (c *Carrier) Name() string { return c.name }

// Traits follow from the profile.
func (c *Carrier) Traits() carrier.Traits {
	p := c.config.Profile
	return carrier.Traits{
		Receipts: *p.Receipts, Reference16: p.LongMessages == UDH16,
		Alphabet: p.DefaultAlphabet, PartsPerSecond: c.rate,
	}
}

// Start begins to bind. It fails when called twice or after Close.
func (c *Carrier) Start(ctx context.Context, sink carrier.Sink, changed func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started || c.closing {
		return fmt.Errorf("carrier %s was started or closed before", c.name)
	}
	c.started, c.sink, c.changed = true, sink, changed
	dialing, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = stop
	for _, l := range c.links {
		c.running.Go(func() { l.run(dialing) })
	}
	context.AfterFunc(ctx, func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		c.Close(ended)
	})
	return nil
}

// Room is the room in the windows of all sessions.
func (c *Carrier) Room() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return 0
	}
	n := 0
	for _, l := range c.links {
		n += l.free()
	}
	return n
}

// State is up while parts can be given to a session.
func (c *Carrier) State() carrier.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state()
}

func (c *Carrier) state() carrier.State {
	switch {
	case c.closing:
		return carrier.State{Detail: "the carrier is closed"}
	case !c.started:
		return carrier.State{Detail: "the carrier is not started"}
	}
	s := carrier.State{Detail: "not bound yet"}
	for _, l := range c.links {
		switch {
		case l.session != nil && !l.leaving:
			s.Sessions++
			s.Up = s.Up || l.bind.Transmits()
		case l.trouble != "":
			s.Detail = l.trouble
		}
	}
	if s.Up {
		s.Detail = ""
	}
	return s
}

// Submit writes a part on the session with the most room.
func (c *Carrier) Submit(p carrier.Part, done func(carrier.Outcome)) {
	var message *pdu.SubmitSM
	for {
		l, session, instead := c.reserve()
		if l == nil {
			done(instead)
			return
		}
		if message == nil {
			var err error
			if message, err = c.config.Profile.submitSM(p, time.Now()); err != nil {
				c.giveBack(l)
				done(notWritable(err))
				return
			}
		}
		err := session.TrySubmit(message, func(response *pdu.SubmitSMResp, err error) {
			c.giveBack(l)
			done(c.outcome(response, err))
			c.changed()
		})
		if err == nil {
			c.counts.submitted.Add(1)
			return
		}
		c.giveBack(l)
		var field *pdu.FieldError
		switch {
		case errors.As(err, &field), errors.Is(err, smpp.ErrTooLarge):
			done(notWritable(err))
			return
		case errors.Is(err, smpp.ErrWindowFull):
			done(windowFull())
			return
		}
		// The session is ending. It is passed over from now on, so this loop ends.
		c.leave(l, session)
	}
}

// reserve takes a place in the window of the session with the most room. With
// none there is the outcome to give instead.
func (c *Carrier) reserve() (*link, *smpp.Session, carrier.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	state := c.state()
	if !state.Up {
		return nil, nil, carrier.Outcome{Kind: carrier.OtherRoute, Code: codeNoSession, Detail: state.Detail}
	}
	var best *link
	most := 0
	for _, l := range c.links {
		if free := l.free(); free > most {
			best, most = l, free
		}
	}
	if best == nil {
		return nil, nil, windowFull()
	}
	best.inFlight++
	return best, best.session, carrier.Outcome{}
}

func windowFull() carrier.Outcome {
	return carrier.Outcome{Kind: carrier.RetryLater, Code: codeWindowFull, Detail: "the windows of all sessions are full"}
}

func (c *Carrier) giveBack(l *link) {
	c.mu.Lock()
	l.inFlight--
	c.mu.Unlock()
}

// outcome is what an answer, or its absence, means.
func (c *Carrier) outcome(response *pdu.SubmitSMResp, err error) carrier.Outcome {
	switch {
	case err == nil && response != nil && response.Status == pdu.ROK:
		c.counts.accepted.Add(1)
		return carrier.Outcome{
			Kind: carrier.Accepted, CarrierMessageID: response.MessageID,
			IndexID: c.meaning.canonical(response.MessageID), Code: response.Status.String(),
		}
	case err == nil && response != nil:
		o := c.rules.outcome(response.Status, c.config.ThrottlePause)
		switch {
		case o.Pause > 0:
			c.counts.throttled.Add(1)
		case o.Kind == carrier.Refused:
			c.counts.refused.Add(1)
		}
		return o
	case smpp.NeverWritten(err):
		return carrier.Outcome{Kind: carrier.OtherRoute, Code: codeNoSession, Detail: err.Error()}
	}
	c.counts.unanswered.Add(1)
	detail := "the answer was lost"
	if err != nil {
		detail = err.Error()
	}
	return carrier.Outcome{Kind: carrier.Unknown, Code: codeNoAnswer, Detail: detail}
}

// bound takes a session into use; it is false when the carrier is closing.
func (c *Carrier) bound(l *link, s *smpp.Session) bool {
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return false
	}
	l.session, l.leaving, l.trouble = s, false, ""
	c.mu.Unlock()
	c.counts.binds.Add(1)
	c.changed()
	return true
}

func (c *Carrier) unbound(l *link, reason string) {
	c.mu.Lock()
	if l.session == nil {
		c.counts.bindFailures.Add(1)
	} else {
		c.counts.lost.Add(1)
	}
	l.session, l.leaving, l.trouble = nil, false, reason
	c.mu.Unlock()
	c.changed()
}

// leave passes a session over that takes no more parts.
func (c *Carrier) leave(l *link, s *smpp.Session) {
	c.mu.Lock()
	if l.session == s {
		l.leaving = true
		l.trouble = "the session is ending"
	}
	c.mu.Unlock()
	c.changed()
}

// Close takes no more parts, waits for the answers to those in flight and
// unbinds. When ctx ends first, the sessions are closed and the parts left are
// Unknown; that is not an error.
func (c *Carrier) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closing = true
	started := c.started
	var sessions []*smpp.Session
	for _, l := range c.links {
		if l.session != nil {
			sessions = append(sessions, l.session)
		}
	}
	c.mu.Unlock()
	if !started {
		return nil
	}
	c.changed()
	c.stop()
	var unbinding sync.WaitGroup
	for _, s := range sessions {
		unbinding.Go(func() {
			if err := s.Unbind(ctx); err != nil {
				c.log.Info("not unbound in order", "reason", err)
			}
		})
	}
	unbinding.Wait()
	c.running.Wait()
	return nil
}
