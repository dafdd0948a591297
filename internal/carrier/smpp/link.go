package smpp

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"heliograph/internal/smpp"
	"heliograph/internal/smpp/pdu"
)

// link is one of a carrier's sessions: bound, or being bound again.
type link struct {
	carrier *Carrier
	number  int // from 0
	bind    pdu.BindType
	log     *slog.Logger

	// The carrier's lock guards these.
	session  *smpp.Session // nil while not bound
	leaving  bool          // it takes no more parts, and will end
	inFlight int
	trouble  string // why it is not bound
}

// free is how many parts the link takes now.
func (l *link) free() int {
	if l.session == nil || l.leaving || !l.bind.Transmits() {
		return 0
	}
	return max(0, l.carrier.config.Window-l.inFlight)
}

// run keeps the link bound until ctx ends. A session that lasted counts as a fresh
// start; one that a message centre ends at once does not, or it would be bound
// again without pause.
func (l *link) run(ctx context.Context) {
	addresses := l.carrier.config.Addresses
	next := l.number
	failures := 0
	logged := ""
	for ctx.Err() == nil {
		address := addresses[next%len(addresses)]
		began := time.Now()
		session, err := l.dial(ctx, address)
		switch {
		case ctx.Err() != nil:
			if err == nil {
				session.Close()
				<-session.Done()
			}
			return
		case err != nil:
			kind, reason := explain(err)
			if kind != logged {
				logged = kind
				l.log.Error("not bound; trying on", "address", address, "reason", reason)
			}
			l.carrier.unbound(l, reason)
			next++
		case l.carrier.bound(l, session):
			logged = ""
			l.log.Info("bound", "address", address, "message_centre", session.Bound().PeerSystemID)
			<-session.Done()
			_, reason := explain(session.Err())
			l.log.Log(ctx, l.levelOfEnd(ctx), "session ended", "address", address, "reason", reason)
			l.carrier.unbound(l, reason)
			if time.Since(began) >= lasting {
				failures = 0
			}
		default: // closed meanwhile
			session.Close()
			<-session.Done()
			return
		}
		pause(ctx, l.carrier.config.backoff(failures))
		failures++
	}
}

// lasting is how long a session has to live to count as a good one.
const lasting = 10 * time.Second

func (l *link) levelOfEnd(ctx context.Context) slog.Level {
	if ctx.Err() != nil { // it was meant to
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

func (l *link) dial(ctx context.Context, address string) (*smpp.Session, error) {
	c := l.carrier.config
	return smpp.Dial(ctx, smpp.BindConfig{
		Address: address, Type: l.bind, SystemID: c.SystemID, Password: c.Password, SystemType: c.SystemType,
		InterfaceVersion: c.InterfaceVersion, AddressRange: pdu.Address{Addr: c.AddressRange},
		TLS: l.carrier.tls, BindTimeout: c.ResponseTimeout,
		Session: smpp.Config{
			Window: c.Window, EnquireLink: c.EnquireLink, ResponseTimeout: c.ResponseTimeout,
			DrainTimeout: c.ResponseTimeout, OnPDU: l.receive, BeforeWrite: l.carrier.before, Logger: l.log,
		},
	})
}

// backoff is the wait after so many failures in a row: it doubles up to
// ReconnectMax, and half of it is drawn, so that sessions do not come back all at
// once.
func (c Config) backoff(failures int) time.Duration {
	wait := c.ReconnectMin << min(failures, 30)
	if wait <= 0 || wait > c.ReconnectMax {
		wait = c.ReconnectMax
	}
	return wait/2 + rand.N(wait/2+1)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// explain says why a link is not bound: the kind, so that the same trouble is
// logged once, and the words.
func explain(err error) (kind, reason string) {
	var refused *smpp.BindError
	switch {
	case err == nil:
		return "unbound", "unbound"
	case errors.As(err, &refused):
		reason = "the message centre refused the bind: " + refused.Status.String()
		switch refused.Status {
		case pdu.RInvPaswd:
			reason += " (check password)"
		case pdu.RInvSysID:
			reason += " (check system_id)"
		case pdu.RInvSysTyp:
			reason += " (check system_type)"
		case pdu.RAlyBnd:
			reason += " (too many sessions, or the last ones are not over yet)"
		}
		return reason, reason
	}
	return "unreachable", err.Error()
}
