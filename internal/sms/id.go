package sms

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ID is the ascending key of a message: 41 bits of milliseconds since Epoch, 6
// bits of node slot, 12 bits of counter and 4 bits left for a part number.
// Ascending keys keep inserts at the end of every table. The lowest bit of the
// counter says whether the message is traced: whatever node meets it after
// whatever restart knows, and nothing else has to be kept.
type ID int64

const (
	partBits    = 4
	tracedBits  = 1
	counterBits = 12 // with tracedBits
	slotBits    = 6
	// MaxSlot is the largest node slot that an ID can carry.
	MaxSlot = 1<<slotBits - 1
	// MaxParts is the largest part number that Part can carry.
	MaxParts = 1<<partBits - 1
)

// Epoch is the zero of an ID's clock.
var Epoch = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// Time is the millisecond the ID was made in.
func (id ID) Time() time.Time {
	return Epoch.Add(time.Duration(id>>(partBits+counterBits+slotBits)) * time.Millisecond)
}

// Slot is the node slot that made the ID.
func (id ID) Slot() int { return int(id>>(partBits+counterBits)) & MaxSlot }

// Traced reports whether the message is traced.
func (id ID) Traced() bool { return id>>partBits&1 != 0 }

// Part is the key of the message's part number n, counted from 1.
func (id ID) Part(n int) PartID { return PartID(int64(id) | int64(n)) }

// PartID is the key of one message part.
type PartID int64

// Split gives the message and the part number, counted from 1.
func (p PartID) Split() (ID, int) { return ID(p &^ (1<<partBits - 1)), int(p & (1<<partBits - 1)) }

// FirstID is the smallest ID that can be made at t.
func FirstID(t time.Time) ID {
	ms := t.Sub(Epoch).Milliseconds()
	return ID(max(ms, 0) << (partBits + counterBits + slotBits))
}

// IDs makes ascending IDs for one node slot. It is safe for concurrent use and
// never runs backwards, also when the clock does.
type IDs struct {
	mu   sync.Mutex
	slot int64
	last int64 // milliseconds << counterBits | counter, without its lowest bit
}

// NewIDs starts after the largest ID that the store holds for the slot.
func NewIDs(slot int, after ID) *IDs {
	ms := int64(after) >> (partBits + counterBits + slotBits)
	counter := int64(after) >> partBits & (1<<counterBits - 1) &^ 1
	return &IDs{slot: int64(slot), last: ms<<counterBits | counter}
}

// Next makes an ID for now, of a message that is not traced. More than 2,048 in
// one millisecond borrow from the next ones.
func (g *IDs) Next(now time.Time) ID { return g.next(now, 0) }

// NextTraced makes the ID of a message that is traced.
func (g *IDs) NextTraced(now time.Time) ID { return g.next(now, 1) }

func (g *IDs) next(now time.Time, traced int64) ID {
	wanted := now.Sub(Epoch).Milliseconds() << counterBits
	g.mu.Lock()
	g.last = max(g.last+1<<tracedBits, wanted)
	n := g.last | traced
	g.mu.Unlock()
	ms, counter := n>>counterBits, n&(1<<counterBits-1)
	return ID((ms<<slotBits|g.slot)<<counterBits|counter) << partBits
}

// MessageIDs turns IDs into the MessageId of the API and back: a UUIDv7 that
// carries the ID and a keyed tag, so that no index over it is needed and a
// guessed one is refused.
type MessageIDs struct{ block cipher.Block }

// ErrMessageID is answered for a MessageId that this installation did not make.
var ErrMessageID = errors.New("not a message id of this installation")

// NewMessageIDs takes the installation's 16-byte key.
func NewMessageIDs(key []byte) (*MessageIDs, error) {
	if len(key) != 16 {
		return nil, fmt.Errorf("message id key has %d bytes, 16 are needed", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return &MessageIDs{block: block}, nil
}

func (m *MessageIDs) tag(id ID) uint64 {
	var buf [16]byte
	binary.BigEndian.PutUint64(buf[:], uint64(id))
	m.block.Encrypt(buf[:], buf[:])
	return binary.BigEndian.Uint64(buf[:])
}

// Format renders the MessageId of id.
func (m *MessageIDs) Format(id ID) string {
	ms := uint64(Epoch.UnixMilli()) + uint64(id)>>(partBits+counterBits+slotBits)
	counter := uint64(id) >> partBits & (1<<counterBits - 1)
	slot := uint64(id.Slot())
	var u [16]byte
	binary.BigEndian.PutUint64(u[:8], ms<<16|0x7000|counter)
	binary.BigEndian.PutUint64(u[8:], 1<<63|slot<<56|m.tag(id)>>8)
	var out [36]byte
	hex.Encode(out[0:8], u[0:4])
	out[8] = '-'
	hex.Encode(out[9:13], u[4:6])
	out[13] = '-'
	hex.Encode(out[14:18], u[6:8])
	out[18] = '-'
	hex.Encode(out[19:23], u[8:10])
	out[23] = '-'
	hex.Encode(out[24:36], u[10:16])
	return string(out[:])
}

// Parse gives the ID that s carries, or ErrMessageID.
func (m *MessageIDs) Parse(s string) (ID, error) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return 0, ErrMessageID
	}
	var u [16]byte
	packed := s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:36]
	if _, err := hex.Decode(u[:], []byte(packed)); err != nil {
		return 0, ErrMessageID
	}
	high := binary.BigEndian.Uint64(u[:8])
	low := binary.BigEndian.Uint64(u[8:])
	ms := high>>16 - uint64(Epoch.UnixMilli())
	if ms >= 1<<41 {
		return 0, ErrMessageID
	}
	id := ID(((ms<<slotBits|low>>56&MaxSlot)<<counterBits | high&(1<<counterBits-1)) << partBits)
	if subtle.ConstantTimeCompare([]byte(m.Format(id)), []byte(s)) != 1 {
		return 0, ErrMessageID
	}
	return id, nil
}
