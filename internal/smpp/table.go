package smpp

import (
	"time"

	"heliograph/internal/smpp/pdu"
)

// maxSequence is the largest sequence number; after it comes 1 (SMPP 3.4 section
// 5.1.4).
const maxSequence = 0x7FFFFFFF

// request is one that waits for its answer. One of done, submitted and ofMany is
// told how it ended.
type request struct {
	done      func(pdu.PDU, error)
	submitted func(*pdu.SubmitSMResp, error)
	ofMany    func(int, *pdu.SubmitSMResp, error)
	index     int // for ofMany
	command   pdu.CommandID
	windowed  bool
	batch     uint64        // in which it is written
	at        time.Duration // since the session's start
}

// result is how a request ended.
type result struct {
	request
	response pdu.PDU
	err      error
}

func (r *result) complete() {
	switch {
	case r.done != nil:
		r.done(r.response, r.err)
	case r.submitted != nil:
		r.submitted(submitResponse(r.response), r.err)
	case r.ofMany != nil:
		r.ofMany(r.index, submitResponse(r.response), r.err)
	}
}

// submitResponse makes a refused submit_sm_resp of a generic_nack, which is the same
// to whoever submitted.
func submitResponse(p pdu.PDU) *pdu.SubmitSMResp {
	switch p := p.(type) {
	case *pdu.SubmitSMResp:
		return p
	case *pdu.GenericNack:
		refused := &pdu.SubmitSMResp{Header: p.Header}
		if refused.Status == pdu.ROK {
			refused.Status = pdu.RUnknownErr
		}
		return refused
	}
	return nil
}

// table holds the requests without an answer by their sequence number, which rise
// from one request to the next. The session's lock guards it.
type table struct {
	pending map[uint32]request
	next    uint32
	oldest  uint32 // no pending request is older
}

func newTable() table { return table{pending: map[uint32]request{}, next: 1, oldest: 1} }

func after(sequence uint32) uint32 {
	if sequence >= maxSequence {
		return 1
	}
	return sequence + 1
}

// add keeps a request under the number next.
func (t *table) add(r request) {
	t.pending[t.next] = r
	t.next = after(t.next)
	for len(t.pending) > 0 {
		if _, taken := t.pending[t.next]; !taken {
			break
		}
		t.next = after(t.next)
	}
}

// answer removes the request that a response answers.
func (t *table) answer(response pdu.CommandID, sequence uint32) (request, bool) {
	r, ok := t.pending[sequence]
	if !ok || response != r.command.Response() && response != pdu.CommandGenericNack {
		return request{}, false
	}
	delete(t.pending, sequence)
	return r, true
}

// oldestPending is the oldest request without an answer.
func (t *table) oldestPending() (uint32, request, bool) {
	if len(t.pending) == 0 {
		t.oldest = t.next
		return 0, request{}, false
	}
	for {
		if r, ok := t.pending[t.oldest]; ok {
			return t.oldest, r, true
		}
		t.oldest = after(t.oldest)
	}
}

// drain removes every request, the oldest first.
func (t *table) drain() []request {
	var all []request
	for {
		sequence, r, ok := t.oldestPending()
		if !ok {
			return all
		}
		delete(t.pending, sequence)
		all = append(all, r)
	}
}
