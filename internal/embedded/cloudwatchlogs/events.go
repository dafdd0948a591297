package cloudwatchlogs

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/store"
)

const (
	// maxEvents and maxBytes bound the lines of an answer.
	maxEvents = 10_000
	maxBytes  = 1 << 20
	// chunk is how many lines are read from the store at once.
	chunk = 1000
)

// settled is the moment before which lines can be read.
func settled(c *service.Caller) time.Time { return c.Now.Add(-Settle).UTC() }

// earlier is the earlier one of two bounds, of which a zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// later is the later one of two moments.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// lines are those of a scan, whose Limit is not looked at. wanted is how many will be
// enough.
func (s *Service) lines(ctx context.Context, scan store.LogScan, wanted int) iter.Seq2[store.LogEvent, error] {
	return func(yield func(store.LogEvent, error) bool) {
		scan.Limit = min(wanted, chunk)
		for {
			lines, err := s.lists.LogEvents(ctx, scan)
			if err != nil {
				yield(store.LogEvent{}, fmt.Errorf("read a log group: %w", err))
				return
			}
			for _, line := range lines {
				if !yield(line, nil) {
					return
				}
			}
			if len(lines) < scan.Limit {
				return
			}
			last := lines[len(lines)-1].Place()
			if scan.Backwards {
				scan.Before = last
			} else {
				scan.After = last
			}
			scan.Limit = chunk
		}
	}
}

type getLogEventsInput struct {
	Group      string `json:"logGroupName"`
	Identifier string `json:"logGroupIdentifier"`
	Stream     string `json:"logStreamName"`
	Start      *int64 `json:"startTime"`
	End        *int64 `json:"endTime"` // not before it
	NextToken  string `json:"nextToken"`
	Limit      *int   `json:"limit"`
	FromHead   bool   `json:"startFromHead"`
}

type outputLogEvent struct {
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
	Ingestion int64  `json:"ingestionTime"`
}

type getLogEventsOutput struct {
	Events   []outputLogEvent `json:"events"`
	Forward  string           `json:"nextForwardToken"`
	Backward string           `json:"nextBackwardToken"`
}

// getLogEvents reads a stream, a page at a time in either direction. At an end the
// token of that direction is the one that came.
func (s *Service) getLogEvents(ctx context.Context, c *service.Caller, in *getLogEventsInput) (*getLogEventsOutput, error) {
	g, err := s.named(c, in.Group, in.Identifier)
	if err != nil {
		return nil, err
	}
	limit, err := page(in.Limit, maxEvents)
	if err != nil {
		return nil, err
	}
	from, err := moment("startTime", in.Start)
	if err != nil {
		return nil, err
	}
	to, err := moment("endTime", in.End)
	if err != nil {
		return nil, err
	}
	of, ok := parseStream(in.Stream)
	if !ok {
		return nil, noStream()
	}
	scan := store.LogScan{Group: g.list, Slot: of.slot, From: later(from, of.day), To: earlier(to, earlier(of.day.Add(day), settled(c)))}
	here := cursor{!in.FromHead, scan.From, 0} // where the stream is empty: before its lines
	if in.NextToken != "" {
		if here, ok = parseCursor(in.NextToken); !ok {
			return nil, invalid("nextToken", "the token is not one of this operation's answers")
		}
		if place := (store.LogPlace{At: here.at, Slot: of.slot, Seq: here.seq}); here.backwards {
			scan.Before = place
		} else {
			scan.After = place
		}
	}
	scan.Backwards = here.backwards
	read, err := s.page(ctx, scan, limit)
	if err != nil {
		return nil, err
	}
	if len(read) == 0 && in.NextToken == "" {
		if err := s.exists(ctx, g, of); err != nil {
			return nil, err
		}
	}
	out := &getLogEventsOutput{Events: make([]outputLogEvent, len(read))}
	for i, line := range read {
		at := line.At.UnixMilli()
		out.Events[i] = outputLogEvent{at, string(line.Message), at}
	}
	forward, backward := cursor{false, here.at, here.seq}, cursor{true, here.at, here.seq}
	switch {
	case len(read) > 0:
		first, last := read[0], read[len(read)-1]
		forward.at, forward.seq, backward.at, backward.seq = last.At, last.Seq, first.At, first.Seq
	case in.NextToken == "":
	case here.backwards:
		forward.seq-- // the line that the token names is the next one forward
	default:
		backward.seq++
	}
	out.Forward, out.Backward = forward.String(), backward.String()
	return out, nil
}

// page reads a page of lines, of which the last ones come last in both directions.
func (s *Service) page(ctx context.Context, scan store.LogScan, limit int) ([]store.LogEvent, error) {
	var read []store.LogEvent
	size := 0
	for line, err := range s.lines(ctx, scan, limit) {
		if err != nil {
			return nil, err
		}
		if size += len(line.Message); size > maxBytes && len(read) > 0 {
			break
		}
		if read = append(read, line); len(read) == limit {
			break
		}
	}
	if scan.Backwards {
		slices.Reverse(read)
	}
	return read, nil
}

func noStream() error { return refuse(notFound, "The specified log stream does not exist.") }

// exists refuses a stream that has no lines.
func (s *Service) exists(ctx context.Context, g group, of stream) error {
	lines, err := s.lists.LogEvents(ctx, store.LogScan{Group: g.list, Slot: of.slot, From: of.day, To: of.day.Add(day), Limit: 1})
	if err == nil && len(lines) == 0 {
		return noStream()
	}
	return err
}

// cursor is a place between the lines of a stream: after the line that it names, or
// before it where it leads backwards.
type cursor struct {
	backwards bool
	at        time.Time
	seq       int64
}

func (c cursor) String() string {
	direction := "f/"
	if c.backwards {
		direction = "b/"
	}
	return direction + strconv.FormatInt(c.at.UnixMilli(), 10) + "/" + strconv.FormatInt(c.seq, 10)
}

func parseCursor(token string) (c cursor, ok bool) {
	direction, rest, _ := strings.Cut(token, "/")
	at, seq, _ := strings.Cut(rest, "/")
	milliseconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return c, false
	}
	if c.at, err = moment("", &milliseconds); err != nil {
		return c, false
	}
	c.backwards = direction == "b"
	c.seq, err = strconv.ParseInt(seq, 10, 64)
	return c, err == nil && (direction == "f" || direction == "b")
}
