package sns

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

// MessageIDs makes the MessageIds of what is published to topics: the same one each
// time that an event is published to a topic, and on every node.
type MessageIDs struct{ key []byte }

// NewMessageIDs takes a secret that all nodes of the installation have.
func NewMessageIDs(secret []byte) (*MessageIDs, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "embedded SNS message id", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("key of message ids: %w", err)
	}
	return &MessageIDs{key}, nil
}

// Of is the MessageId of an event of the log, published to a topic: a UUID version 8
// (RFC 9562). at is the event's time, of which milliseconds count.
func (m *MessageIDs) Of(topicARN string, slot int, seq int64, at time.Time) string {
	mac := hmac.New(sha256.New, m.key)
	var place [24]byte
	binary.BigEndian.PutUint64(place[:8], uint64(slot))
	binary.BigEndian.PutUint64(place[8:16], uint64(seq))
	binary.BigEndian.PutUint64(place[16:], uint64(at.UnixMilli()))
	mac.Write(place[:])
	mac.Write([]byte(topicARN))
	return uuid([16]byte(mac.Sum(nil)), 8)
}
