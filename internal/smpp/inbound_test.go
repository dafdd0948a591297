package smpp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"heliograph/internal/smpp/pdu"
)

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
