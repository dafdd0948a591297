package smpp

import (
	"context"
	"net"
	"sync"
	"testing"

	"heliograph/internal/carrier"
	"heliograph/internal/smpp"
	"heliograph/internal/smpp/pdu"
)

// BenchmarkSubmit gives parts to a message centre on the loopback interface that
// accepts at once and sends no receipts.
func BenchmarkSubmit(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &smpp.Server{
		Authenticate: func(_ context.Context, _ smpp.BindRequest) pdu.Status { return pdu.ROK },
		Session: smpp.Config{Logger: quiet, OnPDU: func(s *smpp.Session, p pdu.PDU) {
			s.Respond(&pdu.SubmitSMResp{Header: pdu.Header{Sequence: p.Head().Sequence}, MessageID: "1"})
		}},
	}
	go server.Serve(l)
	defer server.Close()
	c, err := New(Options{Name: "acme", Config: Config{Address: l.Addr().String(), Window: 1000}, Log: quiet})
	if err != nil {
		b.Fatal(err)
	}
	room := make(chan struct{}, 1)
	nudge := func() {
		select {
		case room <- struct{}{}:
		default:
		}
	}
	if err := c.Start(b.Context(), newInbox(), nudge); err != nil {
		b.Fatal(err)
	}
	defer c.Close(b.Context())
	part := plainPart()
	var answered sync.WaitGroup
	b.ReportAllocs()
	for b.Loop() {
		for c.Room() == 0 {
			<-room
		}
		answered.Add(1)
		c.Submit(part, func(carrier.Outcome) { answered.Done() })
	}
	answered.Wait()
}
