package record

import (
	"fmt"

	"heliograph/internal/sms"
)

// AppendMessage appends the record of m to b. The ID is the row's key and not
// part of it.
func AppendMessage(b []byte, m *sms.Message) []byte {
	b = appendBytes(b, 1, m.Account)
	b = appendTime(b, 2, m.AcceptedAt)
	b = appendTime(b, 3, m.ExpiresAt)
	b = appendBytes(b, 4, m.Destination)
	b = appendBytes(b, 5, m.Country)
	b, at := begin(b, 6)
	b = end(AppendRoute(b, &m.Route), at)
	b = appendBytes(b, 7, string(m.Type))
	b = appendBytes(b, 8, m.Body)
	b = appendBytes(b, 9, m.Encoding)
	b = appendInt(b, 10, int64(m.Parts))
	b = appendInt(b, 11, int64(m.Reference))
	b = appendBool(b, 12, m.Reference16)
	b = appendBytes(b, 13, m.Keyword)
	b = appendMap(b, 14, m.CountryParameters)
	b = appendMap(b, 15, m.Context)
	b = appendBytes(b, 16, m.ConfigurationSet)
	b = appendInt(b, 17, int64(m.Price))
	b = appendInt(b, 18, int64(m.CarrierFee))
	b = appendBytes(b, 19, m.MaxPrice)
	b = appendBool(b, 20, m.FeedbackEnabled)
	b = appendBool(b, 22, m.BodyRedacted)
	b = appendBool(b, 23, m.NumberRedacted)
	b = appendBytes(b, 21, m.Owner)
	return b
}

// Message reads the record of the message id.
func Message(id sms.ID, doc []byte) (*sms.Message, error) {
	m := &sms.Message{ID: id}
	r := reader{rest: string(doc)}
	for r.next() {
		switch r.field {
		case 1:
			m.Account = r.bytes
		case 2:
			m.AcceptedAt = r.time()
		case 3:
			m.ExpiresAt = r.time()
		case 4:
			m.Destination = r.bytes
		case 5:
			m.Country = r.bytes
		case 6:
			r.fail(readRoute(&m.Route, r.bytes))
		case 7:
			m.Type = sms.MessageType(r.bytes)
		case 8:
			m.Body = r.bytes
		case 9:
			m.Encoding = r.bytes
		case 10:
			m.Parts = int(r.value)
		case 11:
			m.Reference = uint16(r.value)
		case 12:
			m.Reference16 = r.value != 0
		case 13:
			m.Keyword = r.bytes
		case 14:
			r.entry(&m.CountryParameters)
		case 15:
			r.entry(&m.Context)
		case 16:
			m.ConfigurationSet = r.bytes
		case 17:
			m.Price = sms.Money(r.value)
		case 18:
			m.CarrierFee = sms.Money(r.value)
		case 19:
			m.MaxPrice = r.bytes
		case 20:
			m.FeedbackEnabled = r.value != 0
		case 22:
			m.BodyRedacted = r.value != 0
		case 23:
			m.NumberRedacted = r.value != 0
		case 21:
			m.Owner = r.bytes
		}
	}
	if r.err != nil {
		return nil, fmt.Errorf("message %d: %w", id, r.err)
	}
	return m, nil
}

// AppendRoute appends the record of t to b.
func AppendRoute(b []byte, t *sms.Route) []byte {
	b = appendBytes(b, 1, t.Identity)
	b = appendBytes(b, 2, string(t.Kind))
	b = appendBytes(b, 3, string(t.NumberType))
	b = appendBytes(b, 4, t.IdentityID)
	b = appendBytes(b, 5, t.PoolID)
	b = appendBytes(b, 6, t.Carrier)
	b = appendBytes(b, 7, t.Lane)
	b = appendFloat(b, 8, t.PartsPerSecond)
	b = appendBytes(b, 9, t.Why)
	return b
}

// Route reads a record of a route.
func Route(doc []byte) (*sms.Route, error) {
	t := new(sms.Route)
	if err := readRoute(t, string(doc)); err != nil {
		return nil, fmt.Errorf("route: %w", err)
	}
	return t, nil
}

func readRoute(t *sms.Route, doc string) error {
	r := reader{rest: doc}
	for r.next() {
		switch r.field {
		case 1:
			t.Identity = r.bytes
		case 2:
			t.Kind = sms.IdentityKind(r.bytes)
		case 3:
			t.NumberType = sms.NumberType(r.bytes)
		case 4:
			t.IdentityID = r.bytes
		case 5:
			t.PoolID = r.bytes
		case 6:
			t.Carrier = r.bytes
		case 7:
			t.Lane = r.bytes
		case 8:
			t.PartsPerSecond = r.float()
		case 9:
			t.Why = r.bytes
		}
	}
	return r.err
}
