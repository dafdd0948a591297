package smpp

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
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
		conn.(*net.TCPConn).SetLinger(0) // closing is a reset
	}()
	s := bindTo(t, BindConfig{Address: l.Addr().String(), Session: Config{Window: 1000}})
	var got outcomes
	for i := range n {
		if err := s.TrySubmit(message(i), got.expectOne(i)); err != nil {
			t.Fatal(err)
		}
	}
	sent := n
	for s.TrySubmit(message(sent), got.expectOne(sent)) == nil { // until writing fails
		sent++
		time.Sleep(time.Millisecond)
	}
	got.wg.Done() // the last one is not called back
	<-s.Done()
	for i, one := range got.wait() {
		if (one.err != nil) != (i >= n) {
			t.Errorf("outcome of %d = %v", i, one.err)
		}
	}
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
