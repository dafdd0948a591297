package smpp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"heliograph/internal/smpp/pdu"
)

func TestCloseMidWriteTellsWhatWasWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := pipeSession(t, Config{Window: 10, EnquireLink: -1})
		var got outcomes
		submit := func(i int) {
			if err := s.TrySubmit(message(i), got.expectOne(i)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // the writer is stuck in the first: nobody reads
		}
		submit(0)
		submit(1)
		submit(2)
		p.conn.Read(make([]byte, 5)) // a piece of the first
		s.Close()
		<-s.Done()
		for i, one := range got.wait() {
			if !errors.Is(one.err, ErrClosed) || NeverWritten(one.err) != (i > 0) {
				t.Errorf("outcome of %d = %v", i, one.err)
			}
		}
		if !errors.Is(s.Err(), ErrClosed) {
			t.Errorf("Err = %v", s.Err())
		}
	})
}

func TestPeerThatNeverReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := pipeSession(t, Config{ResponseTimeout: 20 * time.Second})
		defer p.conn.Close()
		var got outcomes
		start := time.Now()
		s.TrySubmit(message(0), got.expectOne(0))
		synctest.Wait()
		s.TrySubmit(message(1), got.expectOne(1))
		<-s.Done()
		if waited := time.Since(start); waited < 20*time.Second || waited > 25*time.Second {
			t.Errorf("given up after %s", waited)
		}
		if all := got.wait(); NeverWritten(all[0].err) || !NeverWritten(all[1].err) {
			t.Errorf("outcomes %v", all)
		}
	})
}

func TestDeadPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := pipeSession(t, Config{ResponseTimeout: 20 * time.Second, EnquireLink: -1})
		go io.Copy(io.Discard, p.conn)
		defer p.conn.Close()
		var got outcomes
		s.TrySubmit(message(0), got.expectOne(0))
		time.Sleep(5 * time.Second)
		s.TrySubmit(message(1), got.expectOne(1))
		if age := s.OldestPending(); age != 5*time.Second {
			t.Errorf("the oldest is %s old", age)
		}
		start := time.Now()
		<-s.Done()
		if waited := time.Since(start); waited < 15*time.Second || waited > 17*time.Second {
			t.Errorf("found dead %s after the second submit", waited)
		}
		if !errors.Is(s.Err(), ErrNoResponse) {
			t.Errorf("Err = %v", s.Err())
		}
		for i, one := range got.wait() {
			if !errors.Is(one.err, ErrNoResponse) || NeverWritten(one.err) {
				t.Errorf("outcome of %d = %v", i, one.err)
			}
		}
	})
}

// A message centre that loses one answer and gives others is alive.
func TestOneLostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := pipeSession(t, Config{Window: 2, ResponseTimeout: 20 * time.Second, EnquireLink: -1})
		defer p.conn.Close()
		var got outcomes
		s.TrySubmit(message(0), got.expectOne(0))
		lost := p.expect(pdu.CommandSubmitSM)
		time.Sleep(time.Second)
		s.TrySubmit(message(1), got.expectOne(1))
		p.write(pdu.ResponseTo(p.expect(pdu.CommandSubmitSM), pdu.ROK))
		time.Sleep(25 * time.Second)
		if all := got.wait(); !errors.Is(all[0].err, ErrNoResponse) || NeverWritten(all[0].err) || all[1].err != nil {
			t.Errorf("outcomes %v", all)
		}
		p.write(pdu.ResponseTo(lost, pdu.ROK)) // too late, and harmless
		for i := range 2 {
			if err := s.TrySubmit(message(2+i), got.expectOne(2+i)); err != nil {
				t.Errorf("the window has no room again: %v", err)
			}
			p.write(pdu.ResponseTo(p.expect(pdu.CommandSubmitSM), pdu.ROK))
		}
		if all := got.wait(); all[2].err != nil || all[3].err != nil {
			t.Errorf("outcomes %v", all)
		}
		s.Close()
		<-s.Done()
	})
}

func TestEnquireLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := pipeSession(t, Config{ResponseTimeout: 60 * time.Second, EnquireLink: 10 * time.Second})
		start := time.Now()
		for range 3 {
			p.write(pdu.ResponseTo(p.expect(pdu.CommandEnquireLink), pdu.ROK))
		}
		if waited := time.Since(start); waited < 30*time.Second || waited > 36*time.Second {
			t.Errorf("three enquire_link took %s", waited)
		}
		// The peer's own is answered.
		p.write(&pdu.EnquireLink{Header: pdu.Header{Sequence: 99}})
		if r := p.expect(pdu.CommandEnquireLinkResp); r.Head().Sequence != 99 {
			t.Errorf("enquire_link 99 was answered as %d", r.Head().Sequence)
		}
		// From now on the peer is silent: one question, no second, and the end.
		asked := 0
		for {
			frame, err := p.stream.Next()
			if err != nil {
				break
			}
			if one, err := pdu.Decode(frame); err != nil || one.Command() != pdu.CommandEnquireLink {
				t.Errorf("got %v, %v", one, err)
			}
			asked++
		}
		<-s.Done()
		if asked != 1 || !errors.Is(s.Err(), ErrNoResponse) {
			t.Errorf("asked %d times, ended with %v", asked, s.Err())
		}
	})
}

func TestInactivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := pipeSession(t, Config{EnquireLink: 10 * time.Second, Inactivity: time.Minute})
		start := time.Now()
		for {
			one := p.read()
			p.write(pdu.ResponseTo(one, pdu.ROK))
			if one.Command() == pdu.CommandUnbind {
				break
			}
		}
		<-s.Done()
		if waited := time.Since(start); waited < time.Minute || waited > 63*time.Second {
			t.Errorf("unbound after %s", waited)
		}
		if !errors.Is(s.Err(), ErrInactive) {
			t.Errorf("Err = %v", s.Err())
		}
	})
}

func TestPeerUnbindsWithSubmitsOutstanding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := pipeSession(t, Config{EnquireLink: -1, DrainTimeout: 5 * time.Second})
		var got outcomes
		var asked []pdu.PDU
		for i := range 2 {
			s.TrySubmit(message(i), got.expectOne(i))
			asked = append(asked, p.expect(pdu.CommandSubmitSM))
		}
		p.write(&pdu.Unbind{Header: pdu.Header{Sequence: 50}})
		synctest.Wait()
		if err := s.TrySubmit(message(2), nil); !errors.Is(err, ErrPeerUnbind) || !NeverWritten(err) {
			t.Errorf("a submit after the peer's unbind: %v", err)
		}
		p.write(pdu.ResponseTo(asked[0], pdu.ROK)) // one is still answered, the other never
		start := time.Now()
		if r := p.expect(pdu.CommandUnbindResp); r.Head().Sequence != 50 {
			t.Errorf("unbind 50 was answered as %d", r.Head().Sequence)
		}
		if waited := time.Since(start); waited != 5*time.Second {
			t.Errorf("answered after %s", waited)
		}
		p.expectEnd()
		<-s.Done()
		if all := got.wait(); all[0].err != nil || !errors.Is(all[1].err, ErrPeerUnbind) || NeverWritten(all[1].err) {
			t.Errorf("outcomes %v", all)
		}
		if !errors.Is(s.Err(), ErrPeerUnbind) {
			t.Errorf("Err = %v", s.Err())
		}
	})
}

func TestPeerUnbindsAndAnswersAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := pipeSession(t, Config{EnquireLink: -1, DrainTimeout: 5 * time.Second})
		var got outcomes
		s.TrySubmit(message(0), got.expectOne(0))
		asked := p.expect(pdu.CommandSubmitSM)
		p.write(&pdu.Unbind{Header: pdu.Header{Sequence: 50}})
		start := time.Now()
		p.write(pdu.ResponseTo(asked, pdu.ROK))
		p.expect(pdu.CommandUnbindResp)
		if waited := time.Since(start); waited != 0 {
			t.Errorf("answered after %s", waited)
		}
		<-s.Done()
		if all := got.wait(); all[0].err != nil {
			t.Errorf("outcomes %v", all)
		}
	})
}

func TestBothUnbindAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := pipeSession(t, Config{EnquireLink: -1})
		unbound := make(chan error)
		go func() { unbound <- s.Unbind(t.Context()) }()
		ours := p.expect(pdu.CommandUnbind)
		p.write(&pdu.Unbind{Header: pdu.Header{Sequence: 50}})
		p.expect(pdu.CommandUnbindResp)
		p.write(pdu.ResponseTo(ours, pdu.ROK))
		if err := <-unbound; err != nil {
			t.Errorf("Unbind: %v", err)
		}
	})
}

func TestUnbindAnsweredByClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := pipeSession(t, Config{EnquireLink: -1})
		unbound := make(chan error)
		go func() { unbound <- s.Unbind(t.Context()) }()
		p.expect(pdu.CommandUnbind)
		p.conn.Close()
		if err := <-unbound; err != nil {
			t.Errorf("Unbind: %v", err)
		}
	})
}

func TestUnbindGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := pipeSession(t, Config{EnquireLink: -1})
		go io.Copy(io.Discard, p.conn)
		defer p.conn.Close()
		var got outcomes
		s.TrySubmit(message(0), got.expectOne(0))
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := s.Unbind(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Unbind: %v", err)
		}
		if one := got.wait()[0]; NeverWritten(one.err) || one.err == nil {
			t.Errorf("outcome = %v", one.err)
		}
	})
}

func TestWaitersGetRoomInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := pipeSession(t, Config{Window: 1, EnquireLink: -1})
		defer p.conn.Close()
		var got outcomes
		s.TrySubmit(message(0), got.expectOne(0))
		ctx, cancel := context.WithCancel(t.Context())
		results := make(chan error, 4)
		for i := 1; i < 4; i++ {
			go func() {
				c := t.Context()
				if i == 2 {
					c = ctx
				}
				results <- s.Submit(c, message(i), got.expectOne(i))
			}()
			synctest.Wait()
		}
		cancel()
		if err := <-results; !errors.Is(err, context.Canceled) || !NeverWritten(err) {
			t.Errorf("the one that gave up: %v", err)
		}
		got.wg.Done() // it is not called back
		var order []string
		for range 3 {
			one := p.expect(pdu.CommandSubmitSM)
			order = append(order, string(one.(*pdu.SubmitSM).ShortMessage))
			if err := s.TrySubmit(message(9), nil); !errors.Is(err, ErrWindowFull) {
				t.Errorf("someone overtook those who wait: %v", err)
			}
			p.write(pdu.ResponseTo(one, pdu.ROK))
		}
		if !slices.Equal(order, []string{"0", "1", "3"}) {
			t.Errorf("order %v", order)
		}
		got.wait()
		s.Close()
		<-s.Done()
	})
}

func TestBeforeWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		expired := errors.New("lease expired")
		var stop atomic.Bool
		s, p := pipeSession(t, Config{EnquireLink: -1, BeforeWrite: func() error {
			if stop.Load() {
				return expired
			}
			return nil
		}})
		var got outcomes
		s.TrySubmit(message(0), got.expectOne(0))
		p.expect(pdu.CommandSubmitSM)
		stop.Store(true)
		s.TrySubmit(message(1), got.expectOne(1))
		p.expectEnd()
		<-s.Done()
		if !errors.Is(s.Err(), expired) {
			t.Errorf("Err = %v", s.Err())
		}
		if all := got.wait(); NeverWritten(all[0].err) || !NeverWritten(all[1].err) || !errors.Is(all[1].err, expired) {
			t.Errorf("outcomes %v", all)
		}
	})
}

func TestMalformedFromPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := pipeSession(t, Config{EnquireLink: -1, OnPDU: accept})
		raw := func(command, sequence uint32, body string) {
			b := binary.BigEndian.AppendUint32(nil, uint32(16+len(body)))
			b = binary.BigEndian.AppendUint32(b, command)
			b = binary.BigEndian.AppendUint32(b, 0)
			p.writeRaw(append(binary.BigEndian.AppendUint32(b, sequence), body...))
		}
		answered := func(c pdu.CommandID, sequence uint32, status pdu.Status) {
			t.Helper()
			head := *p.expect(c).Head()
			if head != (pdu.Header{Status: status, Sequence: sequence}) {
				t.Errorf("%s: %+v, want %s for %d", c, head, status, sequence)
			}
		}
		raw(0x1234, 1, "")
		answered(pdu.CommandGenericNack, 1, pdu.RInvCmdID)
		raw(5, 2, "abc")
		answered(pdu.CommandGenericNack, 2, pdu.RInvCmdLen)
		raw(5, 3, strings.Repeat("\x00", 16)+"\x09")
		answered(pdu.CommandDeliverSMResp, 3, pdu.RInvMsgLen)
		raw(0x80001234, 4, "") // not answered
		raw(9, 5, "a\x00\x00\x00\x34\x00\x00\x00")
		answered(pdu.CommandBindTransceiverResp, 5, pdu.RAlyBnd)
		p.write(&pdu.SubmitSM{Header: pdu.Header{Sequence: 6}})
		answered(pdu.CommandSubmitSMResp, 6, pdu.RInvBndSts)
		p.write(&pdu.Outbind{Header: pdu.Header{Sequence: 7}}) // ignored
		p.write(&pdu.DeliverSM{Header: pdu.Header{Sequence: 8}})
		answered(pdu.CommandDeliverSMResp, 8, pdu.ROK)

		// An answer that cannot be read leaves its request unknown.
		var got outcomes
		s.TrySubmit(message(0), got.expectOne(0))
		sequence := p.expect(pdu.CommandSubmitSM).Head().Sequence
		raw(0x80000004, sequence, strings.Repeat("x", 300))
		var fault *pdu.DecodeError
		if one := got.wait()[0]; !errors.As(one.err, &fault) || NeverWritten(one.err) {
			t.Errorf("outcome = %v", one.err)
		}
		// One of another kind is no answer.
		s.TrySubmit(message(1), got.expectOne(1))
		sequence = p.expect(pdu.CommandSubmitSM).Head().Sequence
		p.write(&pdu.DataSMResp{Header: pdu.Header{Sequence: sequence}})
		p.write(&pdu.SubmitSMResp{Header: pdu.Header{Sequence: sequence}, MessageID: "right"})
		if one := got.wait()[1]; one != (outcome{id: "right"}) {
			t.Errorf("outcome = %+v", one)
		}
		// Without a right length there is no next PDU.
		go p.writeRaw([]byte{0, 0, 0, 3})
		answered(pdu.CommandGenericNack, 0, pdu.RInvCmdLen)
		p.expectEnd()
		<-s.Done()
		if !errors.As(s.Err(), &fault) || !fault.Fatal {
			t.Errorf("Err = %v", s.Err())
		}
	})
}

func TestInboundOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		s, p := pipeSession(t, Config{EnquireLink: -1, MaxInbound: 2, OnPDU: func(s *Session, one pdu.PDU) {
			<-hold
			accept(s, one)
		}})
		deliver := func(sequence uint32) {
			p.write(&pdu.DeliverSM{Header: pdu.Header{Sequence: sequence}})
			synctest.Wait()
		}
		deliver(1) // with the handler
		deliver(2)
		deliver(3)
		deliver(4) // one too many
		if head := p.expect(pdu.CommandDeliverSMResp).Head(); head.Sequence != 4 || head.Status != pdu.RXTAppn {
			t.Errorf("got %+v", head)
		}
		// A handler that does not return holds up neither enquire_link nor answers.
		var got outcomes
		s.TrySubmit(message(0), got.expectOne(0))
		p.write(pdu.ResponseTo(p.expect(pdu.CommandSubmitSM), pdu.ROK))
		got.wait()
		close(hold)
		for sequence := range uint32(3) {
			if head := p.expect(pdu.CommandDeliverSMResp).Head(); head.Sequence != sequence+1 || head.Status != pdu.ROK {
				t.Errorf("got %+v", head)
			}
		}
		s.Close()
		<-s.Done()
	})
}

func TestNobodyToDeliverTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := pipeSession(t, Config{EnquireLink: -1})
		p.write(&pdu.DeliverSM{Header: pdu.Header{Sequence: 1}})
		if head := p.expect(pdu.CommandDeliverSMResp).Head(); head.Status != pdu.RXTAppn {
			t.Errorf("got %+v", head)
		}
		p.conn.Close()
		<-s.Done()
		if !errors.Is(s.Err(), io.EOF) {
			t.Errorf("Err = %v", s.Err())
		}
	})
}

func TestSlowCallbacksHoldBackSubmits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := pipeSession(t, Config{Window: 2, EnquireLink: -1})
		go func() {
			for {
				frame, err := p.stream.Next()
				if err != nil {
					return
				}
				one, _ := pdu.Decode(frame)
				p.write(pdu.ResponseTo(one, pdu.ROK))
			}
		}()
		hold := make(chan struct{})
		var called atomic.Int32
		done := func(*pdu.SubmitSMResp, error) { called.Add(1); <-hold }
		accepted := 0
		for range 100 {
			if s.TrySubmit(message(0), done) == nil {
				accepted++
			}
			synctest.Wait()
		}
		if accepted > 5 {
			t.Errorf("%d submits were taken while no callback returned", accepted)
		}
		close(hold)
		synctest.Wait()
		if int(called.Load()) != accepted {
			t.Errorf("%d callbacks for %d submits", called.Load(), accepted)
		}
		s.Close()
		<-s.Done()
	})
}

// What the peer had answered before it went away counts, though writing fails first.
func TestAnswersBeforeResetAreKept(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const n = 50
	go func() {
		conn, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		p := &peer{t: t, conn: conn, stream: pdu.NewReader(conn, pdu.MaxLength)}
		p.write(pdu.ResponseTo(p.read(), pdu.ROK))
		var answers []byte
		for range n {
			answers, _ = pdu.Append(answers, pdu.ResponseTo(p.expect(pdu.CommandSubmitSM), pdu.ROK))
		}
		p.writeRaw(answers)
	}()
	s := bindTo(t, BindConfig{Address: l.Addr().String(), Session: Config{Window: 1000}})
	var got outcomes
	for i := range n {
		if err := s.TrySubmit(message(i), got.expectOne(i)); err != nil {
			t.Fatal(err)
		}
	}
	<-s.Done()
	for i, one := range got.wait() {
		if one.err != nil {
			t.Errorf("outcome of %d = %v", i, one.err)
		}
	}
}

func TestBeforeBind(t *testing.T) {
	v := &Server{Session: Config{OnPDU: accept}, MaxConnections: 2, BindTimeout: 300 * time.Millisecond}
	address := startServer(t, v)
	dial := func() *peer {
		t.Helper()
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(patience))
		return &peer{t: t, conn: conn, stream: pdu.NewReader(conn, pdu.MaxLength)}
	}
	p := dial()
	p.write(&pdu.EnquireLink{Header: pdu.Header{Sequence: 1}})
	p.expect(pdu.CommandEnquireLinkResp)
	p.write(&pdu.SubmitSM{Header: pdu.Header{Sequence: 2}})
	if head := p.expect(pdu.CommandSubmitSMResp).Head(); head.Status != pdu.RInvBndSts {
		t.Errorf("submit_sm before the bind: %s", head.Status)
	}
	p.write(&pdu.Bind{Header: pdu.Header{Sequence: 3}, Type: pdu.Transceiver, InterfaceVersion: pdu.Version33})
	if r := p.expect(pdu.CommandBindTransceiverResp).(*pdu.BindResp); r.Status != pdu.ROK || len(r.TLVs) != 0 {
		t.Errorf("a bind of version 3.3 was answered %+v", r)
	}
	p.write(&pdu.SubmitSM{Header: pdu.Header{Sequence: 4}})
	p.expect(pdu.CommandSubmitSMResp)

	silent := dial()
	for len(connections(v)) < 2 {
		time.Sleep(time.Millisecond)
	}
	dial().expectEnd() // the third of two
	silent.expectEnd() // the bind timeout

	for name, bytes := range map[string][]byte{
		"HTTP":      []byte("GET / HTTP/1.1\r\n\r\n"),
		"no length": bytes.Repeat([]byte{0}, 64),
	} {
		for len(connections(v)) > 1 {
			time.Sleep(time.Millisecond)
		}
		p := dial()
		p.writeRaw(bytes)
		if head := p.expect(pdu.CommandGenericNack).Head(); head.Status != pdu.RInvCmdLen {
			t.Errorf("%s: %s", name, head.Status)
		}
		p.expectEnd()
		p.conn.Close()
	}
	for len(connections(v)) > 1 {
		time.Sleep(time.Millisecond)
	}
	p = dial()
	p.write(&pdu.Unbind{Header: pdu.Header{Sequence: 1}})
	p.expect(pdu.CommandUnbindResp)
	p.expectEnd()
}

func connections(v *Server) []net.Conn {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []net.Conn
	for conn := range v.conns {
		all = append(all, conn)
	}
	return all
}

func TestStalledPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := pipeSession(t, Config{EnquireLink: -1, ResponseTimeout: time.Hour})
		links, err := pdu.Append(nil, &pdu.EnquireLink{Header: pdu.Header{Sequence: 1}})
		if err != nil {
			t.Fatal(err)
		}
		many := bytes.Repeat(links, 1024)
		for { // and never reads
			if _, err := p.conn.Write(many); err != nil {
				break
			}
		}
		<-s.Done()
		if !errors.Is(s.Err(), ErrPeerStalled) {
			t.Errorf("Err = %v", s.Err())
		}
	})
}

func TestSequenceNumbersWrap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := pipeSession(t, Config{EnquireLink: -1, Window: 4, ResponseTimeout: 20 * time.Second})
		s.table.next, s.table.oldest = maxSequence-1, maxSequence-1
		var got outcomes
		var asked []pdu.PDU
		for i := range 4 {
			s.TrySubmit(message(i), got.expectOne(i))
			asked = append(asked, p.expect(pdu.CommandSubmitSM))
		}
		var sequences []uint32
		for _, one := range asked {
			sequences = append(sequences, one.Head().Sequence)
		}
		if !slices.Equal(sequences, []uint32{maxSequence - 1, maxSequence, 1, 2}) {
			t.Errorf("sequence numbers %v", sequences)
		}
		time.Sleep(time.Second)
		p.write(pdu.ResponseTo(asked[3], pdu.ROK))
		p.write(pdu.ResponseTo(asked[0], pdu.ROK))
		time.Sleep(20 * time.Second)
		for i, one := range got.wait() {
			if lost := i == 1 || i == 2; (one.err != nil) != lost {
				t.Errorf("outcome of %s = %v", strconv.Itoa(i), one.err)
			}
		}
		s.Close()
		<-s.Done()
	})
}
