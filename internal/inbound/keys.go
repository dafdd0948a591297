package inbound

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"math"

	"heliograph/internal/store"
)

// partBits are the lowest bits of a key: the number of a part, which is at most 255, and
// copyBit. keyedBit tells a key from those that were made before there were Keys (see
// older.go).
const (
	keyedBit   = math.MinInt64
	partBits   = 9
	copyBit    = 1 << (partBits - 1)
	senderBits = 27
	setBits    = 63 - senderBits - partBits
)

// Keys makes the keys of what waits of messages from handsets. The store has them in
// clear, so they are of an HMAC: who reads the database cannot try which numbers and
// which texts they are of.
type Keys struct{ secret []byte }

// NewKeys takes a secret that all nodes of the installation have.
func NewKeys(secret []byte) (*Keys, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "inbound message part keys", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("key of message parts: %w", err)
	}
	return &Keys{key}, nil
}

func (k *Keys) digest(words ...string) uint64 { return sum(hmac.New(sha256.New, k.secret), words) }

// message is the key of a message of several parts: by the sender first, so that what
// waits of one sender is together, and then by all that tells the message from others.
// Its part number is 0.
func (k *Keys) message(p *part) int64 {
	return k.sender(p.From) | int64(k.digest("message", p.Carrier, p.From, p.To, fmt.Sprint(p.Reference, p.Reference16, p.Total))>>(64-setBits))<<partBits
}

// sender is the smallest key that a part from a sender can have.
func (k *Keys) sender(from string) int64 {
	return keyedBit | int64(k.digest("sender", from)>>(64-senderBits))<<(setBits+partBits)
}

// place is where the message of these parts is in doneList, counted from its key.
func (k *Keys) place(w waiting) int64 {
	words := []string{"text"}
	for i := range w {
		words = append(words, fmt.Sprint(w[i].Number, " ", w[i].Head, " ", w[i].Tail, " ", w[i].Text))
	}
	return int64(k.digest(words...) >> (64 - partBits))
}

// Copy reports whether an entry of the list "inbound" is a part that came again after its
// message was made: it waits for the rest of a message that begins alike, and is dropped
// when its time is over.
func Copy(e *store.Entry) bool { return e.Key&copyBit != 0 }

// afterSender is the largest key that a part from the sender of key can have.
func afterSender(key int64) int64 { return key | (1<<(setBits+partBits) - 1) }

// messageOf is the key of the message that a part is of.
func messageOf(partKey int64) int64 { return partKey &^ (1<<partBits - 1) }

// digest is 64 bits of a SHA-256. It is for what stays in memory or is encrypted.
func digest(words ...string) uint64 { return sum(sha256.New(), words) }

func sum(h hash.Hash, words []string) uint64 {
	for _, w := range words {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(w)))
		h.Write(n[:])
		h.Write([]byte(w))
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}
