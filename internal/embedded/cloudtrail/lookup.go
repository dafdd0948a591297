package cloudtrail

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/audit"
	"heliograph/internal/store"
)

const (
	// maxEvents is how many records an answer has at most, maxSearched how many a request
	// looks at: for the others there is a token.
	maxEvents   = 50
	maxSearched = 10_000
	// chunk is how many are read at once.
	chunk = 500
)

type attribute struct {
	Key   string `json:"AttributeKey"`
	Value string `json:"AttributeValue"`
}

type lookupEventsInput struct {
	Attributes []attribute `json:"LookupAttributes"`
	Start      *float64    `json:"StartTime"`
	End        *float64    `json:"EndTime"`
	Category   string      `json:"EventCategory"`
	MaxResults *int
	NextToken  string
}

type resource struct {
	Type string `json:"ResourceType,omitempty"`
	Name string `json:"ResourceName,omitempty"`
}

type event struct {
	ID          string     `json:"EventId"`
	Name        string     `json:"EventName"`
	ReadOnly    string     `json:"ReadOnly"`
	AccessKeyID string     `json:"AccessKeyId,omitempty"`
	Time        float64    `json:"EventTime"`
	Source      string     `json:"EventSource"`
	Username    string     `json:"Username,omitempty"`
	Resources   []resource `json:"Resources"`
	Record      string     `json:"CloudTrailEvent"`
}

type lookupEventsOutput struct {
	Events    []event `json:"Events"`
	NextToken string  `json:"NextToken,omitempty"`
}

// matches are the attributes that records are found by.
var matches = map[string]func(e *event, value string) bool{
	"EventId":     func(e *event, v string) bool { return e.ID == v },
	"EventName":   func(e *event, v string) bool { return e.Name == v },
	"ReadOnly":    func(e *event, v string) bool { return e.ReadOnly == v },
	"Username":    func(e *event, v string) bool { return e.Username == v },
	"EventSource": func(e *event, v string) bool { return e.Source == v },
	"AccessKeyId": func(e *event, v string) bool { return e.AccessKeyID == v },
	"ResourceType": func(e *event, v string) bool {
		for _, r := range e.Resources {
			if r.Type == v {
				return true
			}
		}
		return false
	},
	"ResourceName": func(e *event, v string) bool {
		for _, r := range e.Resources {
			if r.Name == v {
				return true
			}
		}
		return false
	},
}

// lookupEvents gives the caller's account's records, newest first.
func (s *Service) lookupEvents(ctx context.Context, c *service.Caller, in *lookupEventsInput) (*lookupEventsOutput, error) {
	scan, wanted, limit, err := search(c, in)
	if err != nil {
		return nil, err
	}
	out := &lookupEventsOutput{Events: []event{}}
	for searched := 0; ; {
		lines, err := s.o.Lists.LogEvents(ctx, scan)
		if err != nil {
			return nil, fmt.Errorf("read the audit records: %w", err)
		}
		for i := range lines {
			if len(out.Events) == limit || searched == maxSearched {
				out.NextToken = token(scan.Before)
				return out, nil
			}
			searched++
			scan.Before = lines[i].Place()
			if e, ok := eventOf(&lines[i]); ok && wanted(&e) {
				out.Events = append(out.Events, e)
			}
		}
		if len(lines) < scan.Limit {
			return out, nil
		}
	}
}

// search is what has to be read for a request, and which records it wants.
func search(c *service.Caller, in *lookupEventsInput) (scan store.LogScan, wanted func(*event) bool, limit int, err error) {
	fail := func(code, format string, args ...any) (store.LogScan, func(*event) bool, int, error) {
		return store.LogScan{}, nil, 0, refuse(code, format, args...)
	}
	limit = maxEvents
	if in.MaxResults != nil {
		if limit = *in.MaxResults; limit < 1 || limit > maxEvents {
			return fail(invalidMaxResults, "MaxResults is %d; 1 to %d are allowed.", limit, maxEvents)
		}
	}
	if in.Category != "" && in.Category != "insight" {
		return fail(invalidCategory, "EventCategory can be insight alone.")
	}
	from, ok := moment(in.Start)
	to, also := moment(in.End)
	if !ok || !also {
		return fail(invalidTimeRange, "StartTime and EndTime are seconds after 1970.")
	}
	if !from.IsZero() && !to.IsZero() && to.Before(from) {
		return fail(invalidTimeRange, "EndTime is before StartTime.")
	}
	if !to.IsZero() {
		to = to.Truncate(time.Second).Add(time.Second) // records are of whole seconds
	}
	scan = store.LogScan{Group: audit.List(c.AccountID), Slot: store.AnySlot, From: from.Truncate(time.Second), To: to, Backwards: true, Limit: chunk}
	if in.NextToken != "" {
		if scan.Before, ok = parseToken(in.NextToken); !ok {
			return fail(invalidNextToken, "The token is not one of this operation's answers.")
		}
	}
	if len(in.Attributes) > 1 {
		return fail(invalidAttributes, "%d LookupAttributes are there; one is allowed.", len(in.Attributes))
	}
	wanted = func(*event) bool { return in.Category == "" } // there are no insights
	if len(in.Attributes) == 1 && in.Category == "" {
		a := in.Attributes[0]
		match := matches[a.Key]
		if match == nil {
			return fail(invalidAttributes, "AttributeKey %.100q is not one of EventId, EventName, ReadOnly, Username, ResourceType, ResourceName, EventSource and AccessKeyId.", a.Key)
		}
		if a.Value == "" || len(a.Value) > 2000 {
			return fail(invalidAttributes, "AttributeValue has to have 1 to 2000 characters.")
		}
		wanted = func(e *event) bool { return match(e, a.Value) }
	}
	return scan, wanted, limit, nil
}

// eventOf is a record as it is answered. What cannot be read is none.
func eventOf(line *store.LogEvent) (event, bool) {
	var r audit.Record
	if err := json.Unmarshal(line.Message, &r); err != nil {
		return event{}, false
	}
	e := event{ID: r.EventID, Name: r.EventName, ReadOnly: strconv.FormatBool(r.ReadOnly), AccessKeyID: r.UserIdentity.AccessKeyID,
		Time: seconds(line.At), Source: r.EventSource, Username: r.UserIdentity.Name(), Resources: []resource{}, Record: string(line.Message)}
	for _, of := range r.Named() {
		e.Resources = append(e.Resources, resource{of.Type, of.ARN})
	}
	return e, true
}

// token is the place before which the next page begins.
func token(p store.LogPlace) string {
	return fmt.Sprintf("%d-%d-%d", p.At.UnixMilli(), p.Slot, p.Seq)
}

func parseToken(token string) (p store.LogPlace, ok bool) {
	parts := strings.Split(token, "-")
	if len(parts) != 3 {
		return p, false
	}
	at, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || at < 0 || at >= 253402300800000 {
		return p, false
	}
	p.At = time.UnixMilli(at).UTC()
	if p.Slot, err = strconv.Atoi(parts[1]); err != nil || p.Slot < 0 || p.Slot > 1<<15 {
		return p, false
	}
	p.Seq, err = strconv.ParseInt(parts[2], 10, 64)
	return p, err == nil
}
