package smpp

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/smpp"
	"heliograph/internal/smpp/pdu"
	"heliograph/internal/sms"
)

func refusing(status pdu.Status) func(*smpp.Session, *pdu.SubmitSM) {
	return func(s *smpp.Session, m *pdu.SubmitSM) { s.Respond(pdu.ResponseTo(m, status)) }
}

func TestAnswers(t *testing.T) {
	over := map[string]StatusRule{
		"ESME_RSUBMITFAIL": {Outcome: RuleRetry},
		"0x400":            {Outcome: RuleRefused, Status: sms.StatusSpam},
		"1025":             {Outcome: RuleThrottled},
		"rinvsrcadr":       {Outcome: RuleOtherRoute},
	}
	tests := []struct {
		status pdu.Status
		over   map[string]StatusRule
		want   carrier.Outcome // without its detail
	}{
		{pdu.RThrottled, nil, carrier.Outcome{Kind: carrier.RetryLater, Code: "ESME_RTHROTTLED", Pause: 3 * time.Second}},
		{pdu.RMsgQFul, nil, carrier.Outcome{Kind: carrier.RetryLater, Code: "ESME_RMSGQFUL", Pause: 3 * time.Second}},
		{pdu.RSysErr, nil, carrier.Outcome{Kind: carrier.RetryLater, Code: "ESME_RSYSERR"}},
		{pdu.RXTAppn, nil, carrier.Outcome{Kind: carrier.RetryLater, Code: "ESME_RX_T_APPN"}},
		{pdu.RInvDstAdr, nil, carrier.Outcome{Kind: carrier.Refused, Status: sms.StatusInvalid, Code: "ESME_RINVDSTADR"}},
		{pdu.RInvSrcAdr, nil, carrier.Outcome{Kind: carrier.Refused, Status: sms.StatusCarrierBlocked, Code: "ESME_RINVSRCADR"}},
		{pdu.RInvMsgLen, nil, carrier.Outcome{Kind: carrier.Refused, Status: sms.StatusInvalidMessage, Code: "ESME_RINVMSGLEN"}},
		{pdu.RSerTypUnavail, nil, carrier.Outcome{Kind: carrier.Refused, Status: sms.StatusCarrierUnreachable, Code: "ESME_RSERTYPUNAVAIL"}},
		{pdu.RDeliveryFailure, nil, carrier.Outcome{Kind: carrier.Refused, Status: sms.StatusUnreachable, Code: "ESME_RDELIVERYFAILURE"}},
		{pdu.RSubmitFail, nil, carrier.Outcome{Kind: carrier.Refused, Status: sms.StatusUnknown, Code: "ESME_RSUBMITFAIL"}},
		{0x400, nil, carrier.Outcome{Kind: carrier.Refused, Status: sms.StatusUnknown, Code: "0x00000400"}},
		{pdu.RSubmitFail, over, carrier.Outcome{Kind: carrier.RetryLater, Code: "ESME_RSUBMITFAIL"}},
		{0x400, over, carrier.Outcome{Kind: carrier.Refused, Status: sms.StatusSpam, Code: "0x00000400"}},
		{0x401, over, carrier.Outcome{Kind: carrier.RetryLater, Code: "0x00000401", Pause: 3 * time.Second}},
		{pdu.RInvSrcAdr, over, carrier.Outcome{Kind: carrier.OtherRoute, Code: "ESME_RINVSRCADR"}},
		{pdu.RThrottled, over, carrier.Outcome{Kind: carrier.RetryLater, Code: "ESME_RTHROTTLED", Pause: 3 * time.Second}},
	}
	for _, tt := range tests {
		t.Run(tt.want.Code, func(t *testing.T) {
			centre := startCentre(t, nil)
			centre.submit = refusing(tt.status)
			config := centre.config()
			config.Profile.Statuses = tt.over
			k := startClient(t, config)
			k.waitUp(1)
			got := k.outcome(plainPart())
			if !strings.Contains(got.Detail, tt.want.Code) {
				t.Errorf("detail %q does not name the code", got.Detail)
			}
			got.Detail = ""
			if got != tt.want {
				t.Errorf("outcome %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestEveryStatusIsDecided holds that no status of the specification is left to
// the rule for unknown ones by oversight.
func TestEveryStatusIsDecided(t *testing.T) {
	unknown := map[pdu.Status]bool{ // these say nothing, or answer what is never sent
		pdu.RSubmitFail: true, pdu.RXPAppn: true, pdu.RUnknownErr: true, pdu.RInvMsgID: true, pdu.RAlyBnd: true,
		pdu.RBindFail: true, pdu.RInvPaswd: true, pdu.RInvSysID: true, pdu.RCancelFail: true, pdu.RReplaceFail: true,
		pdu.RCntSubDL: true, pdu.RInvSysTyp: true, pdu.RQueryFail: true,
	}
	r := defaultRules()
	for s := pdu.RInvMsgLen; s <= pdu.RInvDstAddrSubunit; s++ {
		named := !strings.HasPrefix(s.String(), "0x")
		if _, decided := r[s]; named && decided == unknown[s] {
			t.Errorf("%s: decided is %t", s, decided)
		}
		if rule, ok := r[s]; ok {
			if err := rule.validate(); err != nil {
				t.Errorf("%s: %v", s, err)
			}
		}
	}
}

func TestGenericNack(t *testing.T) {
	centre := startCentre(t, nil)
	centre.submit = func(s *smpp.Session, m *pdu.SubmitSM) {
		s.Respond(&pdu.GenericNack{Header: pdu.Header{Status: pdu.RInvCmdLen, Sequence: m.Sequence}})
	}
	k := startClient(t, centre.config())
	k.waitUp(1)
	if o := k.outcome(plainPart()); o.Kind != carrier.Refused || o.Status != sms.StatusInvalidMessage || o.Code != "ESME_RINVCMDLEN" {
		t.Errorf("outcome %+v", o)
	}
}

func TestSessionWithMostRoomIsTaken(t *testing.T) {
	centre := startCentre(t, nil)
	config := centre.config()
	config.Sessions, config.Window = 2, 3
	k := startClient(t, config)
	k.waitUp(2)
	centre.hold()
	var outcomes []<-chan carrier.Outcome
	for range 6 {
		outcomes = append(outcomes, k.submit(plainPart()))
	}
	if o := k.outcome(plainPart()); o.Kind != carrier.RetryLater || o.Code != codeWindowFull || o.Pause != 0 {
		t.Errorf("the seventh: %+v", o)
	}
	k.mu.Lock()
	for _, l := range k.links {
		if l.inFlight != 3 {
			t.Errorf("session %d has %d in flight, want 3", l.number, l.inFlight)
		}
	}
	k.mu.Unlock()
	centre.eventually("all six arrive", func() bool { return len(centre.got) == 6 })
	centre.release()
	for _, c := range outcomes {
		if o := within(t, c); o.Kind != carrier.Accepted {
			t.Errorf("outcome %+v", o)
		}
	}
}

func TestBind(t *testing.T) {
	centre := startCentre(t, nil)
	config := centre.config()
	config.Bind, config.SystemType, config.AddressRange, config.InterfaceVersion = TransmitterReceiver, "VMA", "^1206", 0x50
	k := startClient(t, config)
	k.waitUp(2)
	centre.mu.Lock()
	defer centre.mu.Unlock()
	types := map[pdu.BindType]bool{}
	for _, b := range centre.binds {
		types[b.Type] = true
		if b.SystemID != "me" || b.Password != "secret" || b.SystemType != "VMA" || b.AddressRange.Addr != "^1206" || b.InterfaceVersion != 0x50 {
			t.Errorf("bind %+v", b)
		}
	}
	if len(centre.binds) != 2 || !types[pdu.Transmitter] || !types[pdu.Receiver] {
		t.Errorf("bound as %v in %d binds", types, len(centre.binds))
	}
}

func TestWrongPassword(t *testing.T) {
	centre := startCentre(t, nil)
	centre.password = "other"
	var log safeBuffer
	c, err := New(Options{Name: "acme", Config: centre.config(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	k := &client{Carrier: c, t: t, sink: newInbox()}
	if err := c.Start(t.Context(), k.sink, func() {}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.close(5 * time.Second) })
	centre.eventually("it has tried five times", func() bool { return len(centre.binds) >= 5 })
	if s := k.State(); s.Up || s.Sessions != 0 || !strings.Contains(s.Detail, "ESME_RINVPASWD") || !strings.Contains(s.Detail, "password") {
		t.Errorf("state %+v, want the refusal", s)
	}
	if o := k.outcome(plainPart()); o.Kind != carrier.OtherRoute || !strings.Contains(o.Detail, "ESME_RINVPASWD") {
		t.Errorf("outcome %+v", o)
	}
	if n := strings.Count(log.String(), "ESME_RINVPASWD"); n != 1 {
		t.Errorf("the refusal was logged %d times, want once", n)
	}
	if strings.Contains(log.String(), "secret") {
		t.Error("the password was logged")
	}
	centre.mu.Lock()
	centre.password = "secret"
	centre.mu.Unlock()
	k.waitUp(1)
	if s := k.Stats(); s.BindFailures < 5 || s.Binds != 1 {
		t.Errorf("stats %+v", s)
	}
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestReconnect(t *testing.T) {
	centre := startCentre(t, nil)
	k := startClient(t, centre.config())
	k.waitUp(1)
	for range 3 {
		centre.down()
		k.eventually("the carrier is down", func() bool { return !k.State().Up })
		if o := k.outcome(plainPart()); o.Kind != carrier.OtherRoute || o.Code != codeNoSession {
			t.Errorf("outcome while down %+v", o)
		}
		centre.up()
		k.waitUp(1)
		if o := k.outcome(plainPart()); o.Kind != carrier.Accepted {
			t.Errorf("outcome while up %+v", o)
		}
	}
	if s := k.Stats(); s.Binds != 4 || s.Lost != 3 {
		t.Errorf("stats %+v, want 4 binds and 3 sessions lost", s)
	}
}

func TestConnectionLostWithPartsInFlight(t *testing.T) {
	centre := startCentre(t, nil)
	k := startClient(t, centre.config())
	k.waitUp(1)
	centre.hold()
	outcome := k.submit(plainPart())
	centre.eventually("the part arrives", func() bool { return len(centre.got) == 1 })
	centre.down()
	if o := within(t, outcome); o.Kind != carrier.Unknown || o.Code != codeNoAnswer || o.Detail == "" {
		t.Errorf("outcome %+v, want Unknown", o)
	}
	if n := k.Stats().Unanswered; n != 1 {
		t.Errorf("%d parts were counted as unanswered, want 1", n)
	}
}

func TestOtherAddress(t *testing.T) {
	dead := startCentre(t, nil)
	dead.down()
	centre := startCentre(t, nil)
	config := centre.config()
	config.Address, config.Addresses = "", []string{dead.address, centre.address}
	k := startClient(t, config)
	k.waitUp(1)
}

func TestCentreUnbindsWithPartsInFlight(t *testing.T) {
	tests := []struct {
		name    string
		answers bool
		want    carrier.OutcomeKind
	}{
		{"and answers them", true, carrier.Accepted},
		{"and leaves them", false, carrier.Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			centre := startCentre(t, nil)
			config := centre.config()
			if !tt.answers {
				config.ResponseTimeout = 100 * time.Millisecond
			}
			k := startClient(t, config)
			k.waitUp(1)
			centre.hold()
			outcome := k.submit(plainPart())
			centre.eventually("the part arrives", func() bool { return len(centre.got) == 1 })
			unbound := make(chan struct{})
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				defer cancel()
				centre.receiver().Unbind(ctx)
				close(unbound)
			}()
			k.eventually("a new part goes elsewhere, or to the next session", func() bool {
				o := k.submit(plainPart())
				select {
				case o := <-o:
					return o.Kind == carrier.OtherRoute
				default: // it was written before the unbind came, and is held
					return false
				}
			})
			if tt.answers {
				centre.release()
			}
			if o := within(t, outcome); o.Kind != tt.want {
				t.Errorf("outcome %+v, want kind %d", o, tt.want)
			}
			within(t, unbound)
			centre.release()
			k.waitUp(1) // it binds again
		})
	}
}

// mutePeer binds whoever comes and then says nothing more.
func mutePeer(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { l.Close() })
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				frames := pdu.NewReader(conn, pdu.MaxLength)
				frame, err := frames.Next()
				if err != nil {
					return
				}
				request, err := pdu.Decode(frame)
				if err != nil {
					return
				}
				octets, err := pdu.Append(nil, pdu.ResponseTo(request, pdu.ROK))
				if err == nil {
					_, err = conn.Write(octets)
				}
				for err == nil {
					_, err = frames.Next()
				}
			})
		}
	})
	return l.Addr().String()
}

func TestDeadPeer(t *testing.T) {
	k := startClient(t, Config{Address: mutePeer(t), ResponseTimeout: 100 * time.Millisecond, ReconnectMin: time.Millisecond})
	k.waitUp(1)
	if o := k.outcome(plainPart()); o.Kind != carrier.Unknown || o.Code != codeNoAnswer {
		t.Errorf("outcome %+v, want Unknown", o)
	}
	k.eventually("the session is given up and bound again", func() bool { return k.Stats().Lost >= 1 && k.Stats().Binds >= 2 })
	k.close(50 * time.Millisecond)
}

func TestDeadPeerWithoutTraffic(t *testing.T) {
	k := startClient(t, Config{Address: mutePeer(t), EnquireLink: 20 * time.Millisecond, ResponseTimeout: 50 * time.Millisecond, ReconnectMin: time.Millisecond})
	k.eventually("the session is given up", func() bool { return k.Stats().Lost >= 1 })
	k.close(50 * time.Millisecond)
}

func TestEnquireLinkKeepsAnIdleSession(t *testing.T) {
	centre := startCentre(t, nil)
	config := centre.config()
	config.EnquireLink, config.ResponseTimeout = 5*time.Millisecond, time.Second
	k := startClient(t, config)
	k.waitUp(1)
	time.Sleep(50 * time.Millisecond)
	if s := k.Stats(); s.Lost != 0 || s.Binds != 1 {
		t.Errorf("a peer that answers enquire_link was given up: %+v", s)
	}
}

func TestCloseUnbinds(t *testing.T) {
	centre := startCentre(t, nil)
	k := startClient(t, centre.config())
	k.waitUp(1)
	session := centre.receiver()
	k.close(5 * time.Second)
	<-session.Done()
	if err := session.Err(); err != smpp.ErrPeerUnbind {
		t.Errorf("the message centre saw %v, want an unbind", err)
	}
}

func TestBackoff(t *testing.T) {
	c := Config{ReconnectMin: 500 * time.Millisecond, ReconnectMax: 30 * time.Second}
	for failures, most := range map[int]time.Duration{
		0: 500 * time.Millisecond, 1: time.Second, 3: 4 * time.Second, 6: 30 * time.Second, 40: 30 * time.Second, 1000: 30 * time.Second,
	} {
		different := map[time.Duration]bool{}
		for range 50 {
			d := c.backoff(failures)
			if d < most/2 || d > most {
				t.Errorf("after %d failures: %s, want %s to %s", failures, d, most/2, most)
			}
			different[d] = true
		}
		if len(different) < 2 {
			t.Errorf("after %d failures: no jitter", failures)
		}
	}
}
