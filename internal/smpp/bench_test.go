package smpp

import (
	"testing"

	"heliograph/internal/smpp/pdu"
)

// BenchmarkSubmit measures submit_sm answered per second, with both ends in this
// process over the loopback interface.
func BenchmarkSubmit(b *testing.B) {
	benchmark := func(b *testing.B, submit func(s *Session, n int, done func(error))) {
		v := &Server{Session: Config{MaxInbound: 1 << 20, OnPDU: func(s *Session, p pdu.PDU) {
			s.Respond(&pdu.SubmitSMResp{Header: pdu.Header{Sequence: p.Head().Sequence}, MessageID: "0123456789"})
		}}}
		s := bindTo(b, BindConfig{Address: startServer(b, v), Session: Config{Window: 1000}})
		failed := 0
		answered := 0
		finished := make(chan struct{})
		b.ReportAllocs()
		b.ResetTimer()
		submit(s, b.N, func(err error) {
			if err != nil {
				failed++
			}
			if answered++; answered == b.N {
				close(finished)
			}
		})
		<-finished
		b.StopTimer()
		if failed > 0 {
			b.Errorf("%d failed", failed)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "submit_sm/s")
	}
	b.Run("single", func(b *testing.B) {
		benchmark(b, func(s *Session, n int, done func(error)) {
			one := message(0)
			callback := func(_ *pdu.SubmitSMResp, err error) { done(err) }
			for range n {
				if err := s.Submit(b.Context(), one, callback); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
	b.Run("batch", func(b *testing.B) {
		benchmark(b, func(s *Session, n int, done func(error)) {
			messages := make([]*pdu.SubmitSM, 100)
			for i := range messages {
				messages[i] = message(i)
			}
			room := make(chan struct{}, 1)
			callback := func(_ int, _ *pdu.SubmitSMResp, err error) {
				done(err)
				select {
				case room <- struct{}{}:
				default:
				}
			}
			for n > 0 {
				taken, err := s.TrySubmitBatch(messages[:min(n, len(messages))], callback)
				if err != nil {
					b.Fatal(err)
				}
				if n -= taken; taken == 0 {
					<-room
				}
			}
		})
	})
}
