package smpp

import (
	"log/slog"
	"time"

	"heliograph/internal/smpp/pdu"
)

// Config says how a session behaves. The zero value of a field means the default
// named with it; a negative duration turns a clock off.
type Config struct {
	// Window is how many requests of this side may be without an answer: 10.
	Window int
	// EnquireLink is how long the peer may be silent before it is asked whether it
	// lives: 30 s.
	EnquireLink time.Duration
	// ResponseTimeout is the greatest age of a request without an answer: 60 s. A
	// peer that has sent nothing at all since that request is given up; from one that
	// has, only that request is. It also bounds each write to the socket.
	ResponseTimeout time.Duration
	// Inactivity is how long a session may carry nothing but enquire_link before it
	// is unbound: off.
	Inactivity time.Duration
	// DrainTimeout is how long requests without an answer are waited for after the
	// peer sent unbind: 5 s. Negative is not at all.
	DrainTimeout time.Duration
	// MaxPDU is the largest PDU, in octets, read or written: 64 KiB.
	MaxPDU int
	// MaxInbound is how many requests of the peer may wait for OnPDU; what comes
	// above is answered with ESME_RMSGQFUL, or ESME_RX_T_APPN by an ESME: 10,000.
	MaxInbound int
	// OnPDU is given the peer's requests, one after the other, on a goroutine of the
	// session: submit_sm and its kin at a message centre, deliver_sm, data_sm and
	// alert_notification at an ESME. Whoever takes one owes it a Respond, then or
	// later, in any order. Without OnPDU they are refused.
	OnPDU func(s *Session, p pdu.PDU)
	// BeforeWrite is asked before each write to the socket that has messages in it:
	// requests of the window. Its error ends the session with nothing of that write
	// sent.
	BeforeWrite func() error
	// Logger is given what an operator should know of a session: slog's default.
	Logger *slog.Logger
}

// maxUnsent is how many octets of responses may wait to be written until the peer,
// which asked for them and does not read, counts as stalled.
const maxUnsent = 8 << 20

func (c Config) withDefaults() Config {
	if c.Window <= 0 {
		c.Window = 10
	}
	if c.MaxPDU <= 0 {
		c.MaxPDU = pdu.MaxLength
	}
	if c.MaxInbound <= 0 {
		c.MaxInbound = 10_000
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.EnquireLink = orDefault(c.EnquireLink, 30*time.Second)
	c.ResponseTimeout = orDefault(c.ResponseTimeout, 60*time.Second)
	c.DrainTimeout = orDefault(c.DrainTimeout, 5*time.Second)
	c.Inactivity = max(c.Inactivity, 0)
	return c
}

// orDefault gives 0 for a clock that is off.
func orDefault(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return max(d, 0)
}

// tick is how often the clocks are looked at: several times in the shortest.
func (c Config) tick() time.Duration {
	tick := time.Second
	for _, d := range []time.Duration{c.EnquireLink, c.ResponseTimeout, c.Inactivity} {
		if d > 0 {
			tick = min(tick, d/8)
		}
	}
	return max(tick, time.Millisecond)
}
