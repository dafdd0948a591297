package record

import (
	"encoding/binary"
	"fmt"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// AppendProgress appends the record of p to b.
func AppendProgress(b []byte, p *sms.Progress) []byte {
	b = appendOverride(b, 1, p.Route)
	return appendParts(b, 2, p.Parts)
}

// Progress reads a record of a message's progress.
func Progress(doc []byte) (sms.Progress, error) {
	var p sms.Progress
	r := reader{rest: string(doc)}
	for r.next() {
		switch r.field {
		case 1:
			p.Route = r.route()
		case 2:
			r.part(&p.Parts)
		}
	}
	if r.err != nil {
		return sms.Progress{}, fmt.Errorf("progress: %w", r.err)
	}
	return p, nil
}

// AppendDetail appends the record of d to b: nothing for an empty one.
func AppendDetail(b []byte, d *store.EventDetail) []byte {
	b = appendOverride(b, 1, d.Route)
	b = appendParts(b, 2, d.Parts)
	b = appendBytes(b, 3, d.Description)
	b = appendInt(b, 4, int64(d.Attempts))
	if c := d.Content; c != nil {
		var at int
		b, at = begin(b, 5)
		b = appendBytes(b, 1, string(c.Body))
		b = appendBytes(b, 2, c.Subject)
		b = end(appendMap(b, 3, c.Attributes), at)
	}
	return b
}

// Detail reads a record of an event's detail.
func Detail(doc []byte) (store.EventDetail, error) {
	var d store.EventDetail
	r := reader{rest: string(doc)}
	for r.next() {
		switch r.field {
		case 1:
			d.Route = r.route()
		case 2:
			r.part(&d.Parts)
		case 3:
			d.Description = r.bytes
		case 4:
			d.Attempts = int(r.value)
		case 5:
			d.Content = r.content()
		}
	}
	if r.err != nil {
		return store.EventDetail{}, fmt.Errorf("event detail: %w", r.err)
	}
	return d, nil
}

func appendOverride(b []byte, field int, t *sms.Route) []byte {
	if t == nil {
		return b
	}
	b, at := begin(b, field)
	return end(AppendRoute(b, t), at)
}

func (r *reader) route() *sms.Route {
	t := new(sms.Route)
	r.fail(readRoute(t, r.bytes))
	return t
}

func (r *reader) content() *store.EventContent {
	c := new(store.EventContent)
	in := reader{rest: r.bytes}
	for in.next() {
		switch in.field {
		case 1:
			if in.bytes != "" { // as nil is written
				c.Body = []byte(in.bytes)
			}
		case 2:
			c.Subject = in.bytes
		case 3:
			in.entry(&c.Attributes)
		}
	}
	r.fail(in.err)
	return c
}

func appendParts(b []byte, field int, parts []sms.PartProgress) []byte {
	for i := range parts {
		var at int
		b, at = begin(b, field)
		b = end(appendPart(b, &parts[i]), at)
	}
	return b
}

func appendPart(b []byte, p *sms.PartProgress) []byte {
	b = appendBytes(b, 1, string(p.State))
	b = appendBytes(b, 2, string(p.Status))
	b = appendBytes(b, 3, p.Carrier)
	b = appendBytes(b, 4, p.CarrierMessageID)
	b = appendBytes(b, 5, p.Code)
	b = appendBytes(b, 6, p.Detail)
	b = appendTime(b, 7, p.SentAt)
	b = appendTime(b, 8, p.DoneAt)
	b = appendInt(b, 9, int64(p.Resent))
	return appendBytes(b, 10, p.IndexID)
}

// part adds the part that the current field holds to parts.
func (r *reader) part(parts *[]sms.PartProgress) {
	var p sms.PartProgress
	in := reader{rest: r.bytes}
	for in.next() {
		switch in.field {
		case 1:
			p.State = sms.PartState(in.bytes)
		case 2:
			p.Status = sms.Status(in.bytes)
		case 3:
			p.Carrier = in.bytes
		case 4:
			p.CarrierMessageID = in.bytes
		case 5:
			p.Code = in.bytes
		case 6:
			p.Detail = in.bytes
		case 7:
			p.SentAt = in.time()
		case 8:
			p.DoneAt = in.time()
		case 9:
			p.Resent = int(in.value)
		case 10:
			p.IndexID = in.bytes
		}
	}
	*parts = append(*parts, p)
	r.fail(in.err)
}

// AppendKeys appends ascending keys to b, each as its distance from the one
// before it.
func AppendKeys[K ~int64](b []byte, keys []K) []byte {
	var last K
	for _, k := range keys {
		b = binary.AppendVarint(b, int64(k-last))
		last = k
	}
	return b
}

// Keys reads what AppendKeys wrote.
func Keys[K ~int64](doc []byte) ([]K, error) {
	var keys []K
	var last K
	for len(doc) > 0 {
		step, n := binary.Varint(doc)
		if n <= 0 {
			return nil, fmt.Errorf("keys: %w", ErrMalformed)
		}
		last += K(step)
		keys, doc = append(keys, last), doc[n:]
	}
	return keys, nil
}
