package pdu

import (
	"bufio"
	"encoding/binary"
	"io"
)

// MaxLength is the largest command_length accepted where nothing else is said: 64
// KiB, in octets. It has room for a message_payload of about 65,000.
const MaxLength = 64 << 10

// streamBuffer is the size in octets of a Reader's buffer.
const streamBuffer = 16 << 10

// Reader cuts a stream into frames.
type Reader struct {
	br    *bufio.Reader
	max   int
	taken int    // octets of the frame last given out, still in br
	large []byte // holds a frame that is larger than br's buffer
}

// NewReader reads frames of up to max octets from r.
func NewReader(r io.Reader, max int) *Reader {
	return &Reader{br: bufio.NewReaderSize(r, streamBuffer), max: max}
}

// Next is the next frame; it is valid until the call after. The error is io.EOF at
// the end of the stream between two frames, io.ErrUnexpectedEOF within one, a
// [*DecodeError] for a command_length out of bounds, or the stream's own.
func (r *Reader) Next() ([]byte, error) {
	if _, err := r.br.Discard(r.taken); err != nil {
		return nil, err
	}
	r.taken = 0
	head, err := r.br.Peek(4)
	if err != nil {
		return nil, partial(head, err)
	}
	n := binary.BigEndian.Uint32(head)
	if n < HeaderLength || uint64(n) > uint64(r.max) {
		return nil, r.badLength(n)
	}
	if int(n) <= r.br.Size() {
		frame, err := r.br.Peek(int(n))
		if err != nil {
			return nil, partial(frame, err)
		}
		r.taken = int(n)
		return frame, nil
	}
	if cap(r.large) < int(n) {
		r.large = make([]byte, n)
	}
	frame := r.large[:n]
	if got, err := io.ReadFull(r.br, frame); err != nil {
		return nil, partial(frame[:got], err)
	}
	return frame, nil
}

// Ready reports whether Next can give a whole frame, or a DecodeError, without
// waiting for the stream.
func (r *Reader) Ready() bool {
	waiting := r.br.Buffered() - r.taken
	if waiting < 4 {
		return false
	}
	b, err := r.br.Peek(r.taken + 4)
	if err != nil {
		return false
	}
	n := binary.BigEndian.Uint32(b[r.taken:])
	return n < HeaderLength || uint64(n) > uint64(r.max) || uint64(n) <= uint64(waiting)
}

// badLength tells of a command_length that cannot be right, with as much of the
// header as has arrived.
func (r *Reader) badLength(n uint32) error {
	fault := &DecodeError{Status: RInvCmdLen, Field: "command_length", Reason: "out of bounds", Nack: true, Fatal: true}
	if n >= HeaderLength && r.br.Buffered() >= HeaderLength {
		if head, err := r.br.Peek(HeaderLength); err == nil {
			fault.Command = CommandID(binary.BigEndian.Uint32(head[4:]))
			fault.Sequence = binary.BigEndian.Uint32(head[12:])
		}
	}
	return fault
}

func partial(got []byte, err error) error {
	if err == io.EOF && len(got) > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}
