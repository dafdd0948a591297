package smpp

import "heliograph/internal/smpp/pdu"

// keptBuffer is the largest buffer, in octets, that is kept for the next batch.
const keptBuffer = 1 << 20

// buffer gathers PDUs into numbered batches, each of which is one write to the
// socket. The session's lock guards it.
type buffer struct {
	pending  []byte
	spare    []byte
	answers  int    // octets of responses in pending
	messages int    // requests of the window in pending
	batch    uint64 // the number that pending will have
	written  uint64 // the last batch that was given to the socket
	idle     bool   // the writer waits for wake
	wake     chan struct{}
}

func newBuffer() buffer { return buffer{batch: 1, wake: make(chan struct{}, 1)} }

// append adds a PDU of at most max octets, or nothing and an error.
func (b *buffer) append(p pdu.PDU, max int, answer bool) error {
	before := len(b.pending)
	whole, err := pdu.Append(b.pending, p)
	if err != nil {
		return err
	}
	if len(whole)-before > max {
		return ErrTooLarge
	}
	b.pending = whole
	if answer {
		b.answers += len(whole) - before
	}
	b.rouse()
	return nil
}

// rouse wakes the writer if it waits.
func (b *buffer) rouse() {
	if b.idle {
		b.idle = false
		b.wake <- struct{}{}
	}
}

// take gives the batch that is now to be written, and counts it as written.
func (b *buffer) take() []byte {
	batch := b.pending
	b.pending, b.spare = b.spare[:0], nil
	b.answers, b.messages = 0, 0
	b.written = b.batch
	b.batch++
	return batch
}

// giveBack keeps the room of a batch that has been written.
func (b *buffer) giveBack(batch []byte) {
	if cap(batch) <= keptBuffer {
		b.spare = batch[:0]
	}
}

// handed reports whether any octet of a batch was given to the socket.
func (b *buffer) handed(batch uint64) bool { return batch <= b.written }

// discard drops what was not written and wakes the writer for the last time.
func (b *buffer) discard() {
	b.pending, b.spare = nil, nil
	b.rouse()
}
