package record

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Table says in what is sealed which table it is of, so that it cannot be put into
// another. With the row's key it is the additional data of store.Sealer. It is the same
// in every engine: rows are moved between them as they are.
type Table byte

const (
	TableMessage Table = 'm' // and the message's ID
	TableEvent   Table = 'e' // slot, seq
	TableEntry   Table = 'l' // list, key
	TableParked  Table = 'p' // slot, seq
	TableLogLine Table = 'g' // group, slot, milliseconds, seq
)

// Box seals what an engine writes: without a Sealer everything stays as it is. It is
// for one goroutine.
type Box struct {
	Sealer       store.Sealer
	plain, about []byte // scratch
}

// Message appends the record of m to dst.
func (b *Box) Message(dst []byte, m *sms.Message) []byte {
	if b.Sealer == nil {
		return AppendMessage(dst, m)
	}
	b.plain = AppendMessage(b.plain[:0], m)
	return b.seal(dst, b.plain, TableMessage, int64(m.ID))
}

// Detail appends the record of an event's detail to dst: nothing for an empty one. It is
// sealed where it has a content: what else it tells is no secret.
func (b *Box) Detail(dst []byte, e *store.Event) []byte {
	if b.Sealer == nil || e.Detail.Content == nil {
		return AppendDetail(dst, &e.Detail)
	}
	b.plain = AppendDetail(b.plain[:0], &e.Detail)
	return b.seal(dst, b.plain, TableEvent, int64(e.Slot), e.Seq)
}

// Bytes appends the document of a row to dst: nothing for an empty one.
func (b *Box) Bytes(dst, doc []byte, table Table, key ...int64) []byte {
	if b.Sealer == nil || len(doc) == 0 {
		return append(dst, doc...)
	}
	return b.seal(dst, doc, table, key...)
}

func (b *Box) seal(dst, plain []byte, table Table, key ...int64) []byte {
	b.about = about(b.about[:0], table, key)
	return b.Sealer.Seal(dst, plain, b.about)
}

func about(b []byte, table Table, key []int64) []byte {
	b = append(b, byte(table))
	for _, k := range key {
		b = binary.BigEndian.AppendUint64(b, uint64(k))
	}
	return b
}

// Opened is the document of a row as it was before it was sealed, or doc itself where it
// never was, or where there is no Sealer. Documents of entries may be digests, which begin
// with any octet: of those from before there was encryption one in 256 looks sealed. One
// that no key sealed is given back as it is, and so is one of a digest's length that does
// not open: a sealed digest is longer.
func Opened(s store.Sealer, doc []byte, table Table, key ...int64) ([]byte, error) {
	if s == nil || len(doc) == 0 || doc[0] != store.SealMarker {
		return doc, nil
	}
	plain, err := s.Open(make([]byte, 0, len(doc)), doc, about(make([]byte, 0, 33), table, key))
	if err != nil && table == TableEntry && (errors.Is(err, store.ErrNotSealed) || len(doc) == sha256.Size) {
		return doc, nil
	}
	return plain, err
}
