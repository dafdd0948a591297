package smpp

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"heliograph/internal/smpp/pdu"
)

func TestSubmit(t *testing.T) {
	var bind atomic.Pointer[pdu.Bind]
	v := &Server{
		SystemID: "centre", Session: Config{OnPDU: accept},
		Authenticate: func(_ context.Context, b BindRequest) pdu.Status { bind.Store(b.Bind); return pdu.ROK },
	}
	s := bindTo(t, BindConfig{
		Address: startServer(t, v), Type: pdu.Transmitter, SystemID: "esme", Password: "secret", SystemType: "test",
		AddressRange: pdu.Address{TON: 1, NPI: 1, Addr: "44"},
	})
	want := Bound{
		Type: pdu.Transmitter, SystemID: "esme", SystemType: "test", InterfaceVersion: pdu.Version34,
		AddressRange: pdu.Address{TON: 1, NPI: 1, Addr: "44"}, PeerSystemID: "centre", PeerVersion: pdu.Version34,
	}
	if s.Bound() != want {
		t.Errorf("bound = %+v, want %+v", s.Bound(), want)
	}
	if b := bind.Load(); b.Password != "secret" || b.InterfaceVersion != pdu.Version34 {
		t.Errorf("the server was asked to bind %+v", b)
	}
	var got outcomes
	if err := s.Submit(t.Context(), message(7), got.expectOne(7)); err != nil {
		t.Fatal(err)
	}
	if one := got.wait()[7]; one != (outcome{id: "id7"}) {
		t.Errorf("outcome = %+v", one)
	}
	response, err := s.Do(t.Context(), &pdu.QuerySM{MessageID: "id7"})
	if err != nil || response.Command() != pdu.CommandQuerySMResp {
		t.Errorf("query_sm: %v, %v", response, err)
	}
	if s.Outstanding() != 0 || s.OldestPending() != 0 {
		t.Errorf("%d outstanding, the oldest %s old", s.Outstanding(), s.OldestPending())
	}
}

func TestLargeMessage(t *testing.T) {
	size := make(chan int, 1)
	v := &Server{Session: Config{OnPDU: func(s *Session, p pdu.PDU) {
		size <- len(p.(*pdu.SubmitSM).Body())
		s.Respond(pdu.ResponseTo(p, pdu.ROK))
	}}}
	s := bindTo(t, BindConfig{Address: startServer(t, v)})
	large := message(1)
	large.ShortMessage = make([]byte, 60_000)
	if _, err := s.Do(t.Context(), large); err != nil {
		t.Fatal(err)
	}
	if n := <-size; n != 60_000 {
		t.Errorf("%d octets arrived", n)
	}
	large.ShortMessage = make([]byte, 65_530)
	if _, err := s.Do(t.Context(), large); !errors.Is(err, ErrTooLarge) || !NeverWritten(err) {
		t.Errorf("a PDU above 64 KiB: %v", err)
	}
	bad := message(1)
	bad.ServiceType = "toolong"
	var fault *pdu.FieldError
	if _, err := s.Do(t.Context(), bad); !errors.As(err, &fault) || !NeverWritten(err) {
		t.Errorf("a field too long: %v", err)
	}
	if s.Outstanding() != 0 {
		t.Errorf("%d outstanding", s.Outstanding())
	}
}

func TestWindowRespectedByManySubmitters(t *testing.T) {
	const window, submitters, each = 7, 20, 100
	var open, most atomic.Int32
	v := &Server{Session: Config{OnPDU: func(s *Session, p pdu.PDU) {
		n := open.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		go func() { // answered later and in any order
			open.Add(-1)
			accept(s, p)
		}()
	}}}
	s := bindTo(t, BindConfig{Address: startServer(t, v), Session: Config{Window: window}})
	var got outcomes
	var submitting sync.WaitGroup
	for k := range submitters {
		submitting.Go(func() {
			for i := k * each; i < (k+1)*each; i++ {
				if err := s.Submit(t.Context(), message(i), got.expectOne(i)); err != nil {
					t.Errorf("submit %d: %v", i, err)
				}
			}
		})
	}
	submitting.Wait()
	all := got.wait()
	for i := range submitters * each {
		if all[i] != (outcome{id: "id" + strconv.Itoa(i)}) {
			t.Fatalf("outcome of %d = %+v", i, all[i])
		}
	}
	if most.Load() > window {
		t.Errorf("%d were outstanding, the window is %d", most.Load(), window)
	}
}

func TestResponsesOutOfOrder(t *testing.T) {
	const n = 100
	var held []pdu.PDU
	v := &Server{Session: Config{OnPDU: func(s *Session, p pdu.PDU) {
		if held = append(held, p); len(held) == n {
			for _, p := range slices.Backward(held) {
				accept(s, p)
			}
		}
	}}}
	s := bindTo(t, BindConfig{Address: startServer(t, v), Session: Config{Window: n}})
	var got outcomes
	for i := range n {
		if err := s.TrySubmit(message(i), got.expectOne(i)); err != nil {
			t.Fatal(err)
		}
	}
	for i, one := range got.wait() {
		if one != (outcome{id: "id" + strconv.Itoa(i)}) {
			t.Errorf("outcome of %d = %+v", i, one)
		}
	}
}

func TestBatch(t *testing.T) {
	hold := make(chan struct{})
	v := &Server{Session: Config{OnPDU: func(s *Session, p pdu.PDU) {
		go func() { <-hold; accept(s, p) }()
	}}}
	s := bindTo(t, BindConfig{Address: startServer(t, v), Session: Config{Window: 5}})
	var messages []*pdu.SubmitSM
	for i := range 8 {
		messages = append(messages, message(i))
	}
	type answer struct {
		i  int
		id string
	}
	answers := make(chan answer, 8)
	done := func(i int, r *pdu.SubmitSMResp, err error) {
		if err != nil {
			t.Errorf("message %d: %v", i, err)
			return
		}
		answers <- answer{i, r.MessageID}
	}
	if n, err := s.TrySubmitBatch(messages, done); n != 5 || err != nil {
		t.Fatalf("TrySubmitBatch = %d, %v; want 5", n, err)
	}
	if n, err := s.TrySubmitBatch(messages[5:], done); n != 0 || err != nil {
		t.Fatalf("with a full window: %d, %v", n, err)
	}
	close(hold)
	for range 5 {
		if a := <-answers; a.id != "id"+strconv.Itoa(a.i) {
			t.Errorf("message %d was answered with %q", a.i, a.id)
		}
	}
	messages[6].ServiceType = "toolong"
	if n, err := s.TrySubmitBatch(messages[5:], done); n != 1 || !NeverWritten(err) {
		t.Errorf("with a bad message second: %d, %v", n, err)
	}
	if a := <-answers; a != (answer{0, "id5"}) {
		t.Errorf("the message before the bad one: %+v", a)
	}
}

func TestStatusesAndNack(t *testing.T) {
	v := &Server{Session: Config{OnPDU: func(s *Session, p pdu.PDU) {
		switch string(p.(*pdu.SubmitSM).ShortMessage) {
		case "0":
			s.Respond(pdu.ResponseTo(p, pdu.RThrottled))
		case "1":
			s.Respond(&pdu.GenericNack{Header: pdu.Header{Status: pdu.RInvCmdLen, Sequence: p.Head().Sequence}})
		case "2":
			s.Respond(&pdu.GenericNack{Header: pdu.Header{Sequence: p.Head().Sequence}})
		}
	}}}
	s := bindTo(t, BindConfig{Address: startServer(t, v)})
	var got outcomes
	want := []pdu.Status{pdu.RThrottled, pdu.RInvCmdLen, pdu.RUnknownErr}
	for i := range want {
		if err := s.Submit(t.Context(), message(i), got.expectOne(i)); err != nil {
			t.Fatal(err)
		}
	}
	for i, one := range got.wait() {
		if one != (outcome{status: want[i]}) {
			t.Errorf("outcome of %d = %+v, want %s", i, one, want[i])
		}
	}
}

func TestDirections(t *testing.T) {
	bound := make(chan *Session, 1)
	v := &Server{Session: Config{OnPDU: accept}, OnBind: func(s *Session) { bound <- s }}
	address := startServer(t, v)
	for _, test := range []struct {
		bind            pdu.BindType
		submit, deliver bool
	}{{pdu.Transmitter, true, false}, {pdu.Receiver, false, true}, {pdu.Transceiver, true, true}} {
		s := bindTo(t, BindConfig{Address: address, Type: test.bind, Session: Config{OnPDU: accept}})
		centre := <-bound
		check := func(side *Session, p pdu.PDU, allowed bool) {
			t.Helper()
			_, err := side.Do(t.Context(), p)
			if allowed && err != nil || !allowed && !errors.Is(err, ErrDirection) {
				t.Errorf("%s: %s: %v", test.bind, p.Command(), err)
			}
		}
		check(s, message(0), test.submit)
		check(s, &pdu.DataSM{}, test.submit)
		check(s, &pdu.DeliverSM{}, false)
		check(s, &pdu.Unbind{}, false)
		check(centre, &pdu.DeliverSM{}, test.deliver)
		check(centre, &pdu.DataSM{}, test.deliver)
		check(centre, message(0), false)
		if n, err := s.TrySubmitBatch([]*pdu.SubmitSM{message(0)}, func(int, *pdu.SubmitSMResp, error) {}); (n == 1) != test.submit {
			t.Errorf("%s: batch: %d, %v", test.bind, n, err)
		}
		if err := centre.Alert(&pdu.AlertNotification{}); (err == nil) != test.deliver {
			t.Errorf("%s: alert_notification: %v", test.bind, err)
		}
		if err := s.Alert(&pdu.AlertNotification{}); err == nil {
			t.Errorf("%s: an ESME sent alert_notification", test.bind)
		}
	}
}

func TestDeliverWithWindow(t *testing.T) {
	bound := make(chan *Session, 1)
	v := &Server{Session: Config{Window: 3}, OnBind: func(s *Session) { bound <- s }}
	got := make(chan string, 100)
	alerts := make(chan pdu.PDU, 1)
	bindTo(t, BindConfig{Address: startServer(t, v), Type: pdu.Receiver, Session: Config{OnPDU: func(s *Session, p pdu.PDU) {
		switch p := p.(type) {
		case *pdu.DeliverSM:
			got <- string(p.ShortMessage)
			s.Respond(pdu.ResponseTo(p, pdu.ROK))
		case *pdu.AlertNotification:
			alerts <- p
		}
	}}})
	centre := <-bound
	answered := make(chan pdu.PDU, 100)
	for i := range 100 {
		err := centre.Send(t.Context(), &pdu.DeliverSM{ShortMessage: []byte(strconv.Itoa(i))}, func(p pdu.PDU, err error) {
			if err != nil {
				t.Errorf("deliver_sm: %v", err)
			}
			answered <- p
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := centre.Outstanding(); n > 3 {
			t.Fatalf("%d outstanding", n)
		}
	}
	for i := range 100 {
		if text := <-got; text != strconv.Itoa(i) {
			t.Fatalf("message %d is %q", i, text)
		}
		<-answered
	}
	if err := centre.Alert(&pdu.AlertNotification{Source: pdu.Address{Addr: "44"}}); err != nil {
		t.Fatal(err)
	}
	if a := (<-alerts).(*pdu.AlertNotification); a.Source.Addr != "44" {
		t.Errorf("alert_notification = %+v", a)
	}
}
