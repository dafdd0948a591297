package record

import (
	"fmt"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// AuditPage brings together what an engine reads for AuditMessages, table by table.
// Rows of a table are added in the order of their messages' IDs. Make it with
// NewAuditPage.
type AuditPage struct {
	messages []auditMessage
	queued   []auditQueued
	awaiting []auditAwaiting
	events   []auditEvent
	parts    []store.AuditedPart
	story    []store.AuditedEvent // scratch
}

type auditMessage struct {
	id sms.ID
	store.AuditedMessage
}

type auditQueued struct {
	id    sms.ID
	parts int
}

// span is a run of AuditPage.parts.
type span struct{ from, to int }

type auditAwaiting struct {
	id    sms.ID
	parts span
}

type auditEvent struct {
	id sms.ID
	store.AuditedEvent
	parts span
}

// NewAuditPage has room for what there mostly is about so many messages.
func NewAuditPage(messages int) *AuditPage {
	return &AuditPage{messages: make([]auditMessage, 0, messages), events: make([]auditEvent, 0, 4*messages),
		parts: make([]store.AuditedPart, 0, 2*messages)}
}

// Message adds a row of the messages.
func (p *AuditPage) Message(id sms.ID, doc []byte) error {
	p.messages = append(p.messages, auditMessage{id: id})
	if err := AuditMessage(&p.messages[len(p.messages)-1].AuditedMessage, doc); err != nil {
		return fmt.Errorf("message %d: %w", id, err)
	}
	return nil
}

// Queued adds a queued row.
func (p *AuditPage) Queued(id sms.ID, parts int) {
	p.queued = append(p.queued, auditQueued{id, parts})
}

// Awaiting adds an awaiting row.
func (p *AuditPage) Awaiting(id sms.ID, doc []byte) error {
	parts, err := p.read(doc)
	p.awaiting = append(p.awaiting, auditAwaiting{id, parts})
	if err != nil {
		return fmt.Errorf("awaiting message %d: %w", id, err)
	}
	return nil
}

// Event adds an event; doc is its detail, and only looked at where it is final.
func (p *AuditPage) Event(id sms.ID, e store.AuditedEvent, doc []byte) error {
	row := auditEvent{id: id, AuditedEvent: e}
	var err error
	if e.Final {
		row.parts, err = p.read(doc)
	}
	p.events = append(p.events, row)
	if err != nil {
		return fmt.Errorf("event %d of slot %d: %w", e.Seq, e.Slot, err)
	}
	return nil
}

func (p *AuditPage) read(doc []byte) (span, error) {
	from := len(p.parts)
	var err error
	p.parts, err = AuditParts(p.parts, doc)
	return span{from, len(p.parts)}, err
}

// Each calls f for every message that any row speaks of and whose ID is below end,
// in the order of their IDs.
func (p *AuditPage) Each(end sms.ID, f func(*store.Audited) error) error {
	m, q, w, v := p.messages, p.queued, p.awaiting, p.events
	a := new(store.Audited)
	for {
		id := end
		if len(m) > 0 {
			id = min(id, m[0].id)
		}
		if len(q) > 0 {
			id = min(id, q[0].id)
		}
		if len(w) > 0 {
			id = min(id, w[0].id)
		}
		if len(v) > 0 {
			id = min(id, v[0].id)
		}
		if id >= end {
			return nil
		}
		*a = store.Audited{ID: id}
		if len(m) > 0 && m[0].id == id {
			a.Message, m = &m[0].AuditedMessage, m[1:]
		}
		if len(q) > 0 && q[0].id == id {
			a.Queued, a.QueuedParts, q = true, q[0].parts, q[1:]
		}
		if len(w) > 0 && w[0].id == id {
			a.Awaiting, a.Parts, w = true, p.parts[w[0].parts.from:w[0].parts.to], w[1:]
		}
		p.story = p.story[:0]
		for len(v) > 0 && v[0].id == id {
			e := v[0].AuditedEvent
			if e.Final {
				e.Parts = p.parts[v[0].parts.from:v[0].parts.to]
			}
			p.story, v = append(p.story, e), v[1:]
		}
		a.Events = p.story
		if err := f(a); err != nil {
			return err
		}
	}
}
