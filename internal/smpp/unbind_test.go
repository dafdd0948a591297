package smpp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"heliograph/internal/smpp/pdu"
)

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

func TestUnbindDrains(t *testing.T) {
	const n = 20
	var mu sync.Mutex
	var held []pdu.PDU
	all := make(chan *Session, 1)
	ended := make(chan error, 1)
	v := &Server{
		OnClose: func(_ *Session, err error) { ended <- err },
		Session: Config{OnPDU: func(s *Session, p pdu.PDU) {
			mu.Lock()
			defer mu.Unlock()
			if held = append(held, p); len(held) == n {
				all <- s
			}
		}},
	}
	s := bindTo(t, BindConfig{Address: startServer(t, v), Session: Config{Window: n}})
	var got outcomes
	for i := range n {
		if err := s.Submit(t.Context(), message(i), got.expectOne(i)); err != nil {
			t.Fatal(err)
		}
	}
	waiting := make(chan error, 1)
	go func() { waiting <- s.Submit(t.Context(), message(n), got.expectOne(n)) }()
	centre := <-all
	for {
		s.mu.Lock()
		joined := len(s.window.waiters) == 1
		s.mu.Unlock()
		if joined {
			break
		}
		time.Sleep(time.Millisecond)
	}
	unbound := make(chan error, 1)
	go func() { unbound <- s.Unbind(t.Context()) }()
	if err := <-waiting; !errors.Is(err, ErrUnbinding) || !NeverWritten(err) {
		t.Errorf("the submit that waited for the window: %v", err)
	}
	got.wg.Done() // it is not called back
	if err := s.TrySubmit(message(n), nil); !errors.Is(err, ErrUnbinding) || !NeverWritten(err) {
		t.Errorf("a submit after Unbind: %v", err)
	}
	for _, p := range held {
		select {
		case err := <-unbound:
			t.Fatalf("Unbind was done before the responses: %v", err)
		default:
			accept(centre, p)
		}
	}
	if err := <-unbound; err != nil {
		t.Errorf("Unbind: %v", err)
	}
	for i, one := range got.wait() {
		if one.id != fmt.Sprint("id", i) {
			t.Errorf("outcome of %d = %+v", i, one)
		}
	}
	if s.Err() != nil {
		t.Errorf("Err = %v", s.Err())
	}
	if err := <-ended; !errors.Is(err, ErrPeerUnbind) {
		t.Errorf("the server's session ended with %v", err)
	}
	if err := s.Submit(t.Context(), message(1), nil); !NeverWritten(err) {
		t.Errorf("a submit after the end: %v", err)
	}
	if err := s.Respond(&pdu.DeliverSMResp{}); err == nil {
		t.Error("a response after the end was taken")
	}
}

func TestServerShutdown(t *testing.T) {
	v := &Server{Session: Config{OnPDU: accept}}
	address := startServer(t, v)
	s := bindTo(t, BindConfig{Address: address})
	idle, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := v.Shutdown(ctx); err != nil {
		t.Fatalf("Shutdown: %v", err)
	}
	<-s.Done()
	if !errors.Is(s.Err(), ErrPeerUnbind) {
		t.Errorf("the client's session ended with %v", s.Err())
	}
	if _, err := Dial(t.Context(), BindConfig{Address: address}); err == nil {
		t.Error("bound to a server that is shut down")
	}
}
