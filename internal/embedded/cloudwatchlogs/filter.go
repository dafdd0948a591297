package cloudwatchlogs

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/embedded/cloudwatchlogs/pattern"
	"heliograph/internal/store"
)

const (
	// maxSearched is how many lines a request searches; there is a token for the others.
	maxSearched = 10_000
	// maxStreams is how many streams a request may name.
	maxStreams = 100
)

type filterLogEventsInput struct {
	Group      string   `json:"logGroupName"`
	Identifier string   `json:"logGroupIdentifier"`
	Streams    []string `json:"logStreamNames"`
	Prefix     string   `json:"logStreamNamePrefix"`
	Start      *int64   `json:"startTime"`
	End        *int64   `json:"endTime"` // not after it
	Pattern    string   `json:"filterPattern"`
	NextToken  string   `json:"nextToken"`
	Limit      *int     `json:"limit"`
}

type filteredLogEvent struct {
	Stream    string `json:"logStreamName"`
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
	Ingestion int64  `json:"ingestionTime"`
	ID        string `json:"eventId"`
}

type filterLogEventsOutput struct {
	Events    []filteredLogEvent `json:"events"`
	Searched  []struct{}         `json:"searchedLogStreams"` // the real service tells no more of them either
	NextToken string             `json:"nextToken,omitempty"`
}

// filterLogEvents searches a group, all streams at once, in the order of the lines'
// times.
func (s *Service) filterLogEvents(ctx context.Context, c *service.Caller, in *filterLogEventsInput) (*filterLogEventsOutput, error) {
	g, err := s.named(c, in.Group, in.Identifier)
	if err != nil {
		return nil, err
	}
	limit, err := page(in.Limit, maxEvents)
	if err != nil {
		return nil, err
	}
	matching, err := pattern.Parse(in.Pattern)
	if err != nil {
		return nil, invalid("filterPattern", "%s", err)
	}
	scan, wanted, err := s.search(ctx, c, g, in)
	if err != nil {
		return nil, err
	}
	out := &filterLogEventsOutput{Events: []filteredLogEvent{}, Searched: []struct{}{}}
	if wanted == nil {
		return out, nil
	}
	searched, size := 0, 0
	var last store.LogPlace
	for line, err := range s.lines(ctx, scan, chunk) {
		if err != nil {
			return nil, err
		}
		if len(out.Events) == limit || searched == maxSearched || size >= maxBytes {
			out.NextToken = token(last)
			break
		}
		searched++
		last = line.Place()
		of := streamOf(last)
		if !wanted(of) || !matching.Matches(line.Message) {
			continue
		}
		size += len(line.Message)
		at := line.At.UnixMilli()
		out.Events = append(out.Events, filteredLogEvent{of.String(), at, string(line.Message), at, eventID(last)})
	}
	return out, nil
}

// search is what has to be read for a request, and whether a stream is one of those
// that it wants; nil where no stream can be.
func (s *Service) search(ctx context.Context, c *service.Caller, g group, in *filterLogEventsInput) (scan store.LogScan, wanted func(stream) bool, err error) {
	from, err := moment("startTime", in.Start)
	if err != nil {
		return scan, nil, err
	}
	to, err := moment("endTime", in.End)
	if err != nil {
		return scan, nil, err
	}
	if !to.IsZero() {
		to = to.Add(time.Millisecond)
	}
	scan = store.LogScan{Group: g.list, Slot: store.AnySlot, From: from, To: earlier(to, settled(c))}
	if in.NextToken != "" {
		var ok bool
		if scan.After, ok = parseToken(in.NextToken); !ok {
			return scan, nil, invalid("nextToken", "the token is not one of this operation's answers")
		}
	}
	switch {
	case len(in.Streams) > 0 && in.Prefix != "":
		return scan, nil, invalid("logStreamNamePrefix", "a request has either this or logStreamNames")
	case len(in.Streams) > maxStreams:
		return scan, nil, invalid("logStreamNames", "a request may name %d streams", maxStreams)
	case len(in.Streams) > 0:
		return s.searchStreams(ctx, g, scan, in.Streams)
	}
	begin, end, possible := span(in.Prefix)
	if !possible {
		return scan, nil, nil
	}
	scan.From, scan.To = later(scan.From, begin), earlier(end, scan.To)
	return scan, func(of stream) bool { return in.Prefix == "" || strings.HasPrefix(of.String(), in.Prefix) }, nil
}

// searchStreams narrows a search to streams.
func (s *Service) searchStreams(ctx context.Context, g group, scan store.LogScan, names []string) (store.LogScan, func(stream) bool, error) {
	all := map[string]bool{}
	var begin, end time.Time
	slot := store.AnySlot
	for i, name := range names {
		of, ok := parseStream(name)
		if !ok {
			return scan, nil, noStream()
		}
		if err := s.exists(ctx, g, of); err != nil {
			return scan, nil, err
		}
		all[name] = true
		if i == 0 {
			begin, slot = of.day, of.slot
		}
		if of.slot != slot {
			slot = store.AnySlot
		}
		begin, end = earlier(begin, of.day), later(end, of.day.Add(day))
	}
	scan.Slot, scan.From, scan.To = slot, later(scan.From, begin), earlier(end, scan.To)
	return scan, func(of stream) bool { return all[of.String()] }, nil
}

// eventID names a line, the same whenever it is read, in as many digits as the real
// service's.
func eventID(p store.LogPlace) string {
	return fmt.Sprintf("%016d%020d%020d", p.At.UnixMilli(), p.Slot, p.Seq)
}

// token is the place after which the next page begins.
func token(p store.LogPlace) string {
	return fmt.Sprintf("%d-%d-%d", p.At.UnixMilli(), p.Slot, p.Seq)
}

func parseToken(token string) (p store.LogPlace, ok bool) {
	parts := strings.Split(token, "-")
	if len(parts) != 3 {
		return p, false
	}
	milliseconds, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return p, false
	}
	if p.At, err = moment("", &milliseconds); err != nil {
		return p, false
	}
	if p.Slot, err = strconv.Atoi(parts[1]); err != nil {
		return p, false
	}
	p.Seq, err = strconv.ParseInt(parts[2], 10, 64)
	return p, err == nil
}
