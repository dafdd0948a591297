package cloudwatchlogs

import (
	"cmp"
	"context"
	"encoding/base64"
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
	streamPrefix = "heliograph/"
	day          = 24 * time.Hour
)

// stream is what a slot wrote on a day.
type stream struct {
	day  time.Time // its beginning, UTC
	slot int
}

func (s stream) String() string {
	return streamPrefix + s.day.Format(time.DateOnly) + "/" + strconv.Itoa(s.slot)
}

func streamOf(p store.LogPlace) stream { return stream{p.At.UTC().Truncate(day), p.Slot} }

// parseStream reads the name of a stream. It is false for a name that no stream has.
func parseStream(name string) (stream, bool) {
	date, slot, _ := strings.Cut(strings.TrimPrefix(name, streamPrefix), "/")
	at, err := time.Parse(time.DateOnly, date)
	n, wrong := strconv.Atoi(slot)
	s := stream{at, n}
	return s, err == nil && wrong == nil && n >= 0 && s.String() == name
}

// span is the time in which the streams of a prefix lie, as far as it says; zero times
// are no bounds. It is false for a prefix that the names of no streams have.
func span(prefix string) (from, to time.Time, ok bool) {
	if strings.HasPrefix(streamPrefix, prefix) {
		return time.Time{}, time.Time{}, true
	}
	rest, ok := strings.CutPrefix(prefix, streamPrefix)
	if !ok {
		return time.Time{}, time.Time{}, false
	}
	date := rest[:min(len(rest), len(time.DateOnly))]
	if slot := rest[len(date):]; slot != "" {
		n, err := strconv.Atoi(cmp.Or(slot[1:], "0"))
		if slot[0] != '/' || err != nil || "/"+strconv.Itoa(n) != slot && slot != "/" {
			return time.Time{}, time.Time{}, false
		}
	}
	return dates(date)
}

// dates are the days whose dates begin with a prefix.
func dates(prefix string) (from, to time.Time, ok bool) {
	year := prefix[:min(len(prefix), len("2006"))]
	first, err := strconv.Atoi(year + "0000"[len(year):])
	last, wrong := strconv.Atoi(year + "9999"[len(year):])
	if err != nil || wrong != nil || first < 0 {
		return time.Time{}, time.Time{}, false
	}
	from, to = time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(last+1, 1, 1, 0, 0, 0, 0, time.UTC)
	if year == prefix {
		return from, to, true
	}
	for ; from.Before(to) && !strings.HasPrefix(from.Format(time.DateOnly), prefix); from = from.Add(day) {
	}
	for ; from.Before(to) && !strings.HasPrefix(to.Add(-day).Format(time.DateOnly), prefix); to = to.Add(-day) {
	}
	return from, to, from.Before(to)
}

// described is a stream with its first and its last line.
type described struct {
	stream
	first, last time.Time
}

// streams are those of a group that have lines from or, backwards, before a moment, day
// after day, those of a day in any order.
func (s *Service) streams(ctx context.Context, group int64, start time.Time, backwards bool) iter.Seq2[[]described, error] {
	return func(yield func([]described, error) bool) {
		slots, err := s.lists.LogSlots(ctx, group)
		if err != nil {
			yield(nil, err)
			return
		}
		// next is the line of each slot at which its next day begins, or ends.
		next := map[int]time.Time{}
		line := func(slot int, from, to time.Time, backwards bool) (at time.Time, found bool) {
			var lines []store.LogEvent
			if err == nil {
				lines, err = s.lists.LogEvents(ctx, store.LogScan{Group: group, Slot: slot, From: from, To: to, Backwards: backwards, Limit: 1})
			}
			if len(lines) == 0 {
				return time.Time{}, false
			}
			return lines[0].At.UTC(), true
		}
		advance := func(slot int, start time.Time) {
			from, to := start, time.Time{}
			if backwards {
				from, to = time.Time{}, start
			}
			delete(next, slot)
			if at, found := line(slot, from, to, backwards); found {
				next[slot] = at
			}
		}
		for _, of := range slots {
			advance(of.Slot, start)
		}
		for err == nil && len(next) > 0 {
			var today time.Time
			for _, at := range next {
				if d := at.Truncate(day); today.IsZero() || d.Before(today) != backwards {
					today = d
				}
			}
			var all []described
			for slot, at := range next {
				if !at.Truncate(day).Equal(today) {
					continue
				}
				d := described{stream{today, slot}, at, at}
				if backwards {
					d.first, _ = line(slot, today, today.Add(day), false)
					advance(slot, today)
				} else {
					d.last, _ = line(slot, today, today.Add(day), true)
					advance(slot, today.Add(day))
				}
				all = append(all, d)
			}
			if err == nil && !yield(all, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

type describeLogStreamsInput struct {
	Name       string `json:"logGroupName"`
	Identifier string `json:"logGroupIdentifier"`
	Prefix     string `json:"logStreamNamePrefix"`
	OrderBy    string `json:"orderBy"`
	Descending bool   `json:"descending"`
	NextToken  string `json:"nextToken"`
	Limit      *int   `json:"limit"`
}

type logStream struct {
	Name          string `json:"logStreamName"`
	Created       int64  `json:"creationTime"` // of its first line
	First         int64  `json:"firstEventTimestamp"`
	Last          int64  `json:"lastEventTimestamp"`
	LastIngestion int64  `json:"lastIngestionTime"`
	ARN           string `json:"arn"`
}

type describeLogStreamsOutput struct {
	Streams   []logStream `json:"logStreams"`
	NextToken string      `json:"nextToken,omitempty"`
}

const (
	orderByName = "LogStreamName"
	orderByLast = "LastEventTime"
)

func (s *Service) describeLogStreams(ctx context.Context, c *service.Caller, in *describeLogStreamsInput) (*describeLogStreamsOutput, error) {
	g, err := s.named(c, in.Name, in.Identifier)
	if err != nil {
		return nil, err
	}
	order := cmp.Or(in.OrderBy, orderByName)
	switch {
	case order != orderByName && order != orderByLast:
		return nil, invalid("orderBy", "%q is not one of %s and %s", order, orderByName, orderByLast)
	case order == orderByLast && in.Prefix != "":
		return nil, invalid("orderBy", "streams with a logStreamNamePrefix cannot be ordered by %s", orderByLast)
	}
	limit, err := page(in.Limit, maxDescribed)
	if err != nil {
		return nil, err
	}
	compare := func(a, b described) int {
		by := strings.Compare(a.String(), b.String())
		if order == orderByLast {
			by = cmp.Or(a.last.Compare(b.last), by)
		}
		if in.Descending {
			return -by
		}
		return by
	}
	from, to, possible := span(in.Prefix)
	start := from
	if in.Descending {
		start = to
	}
	var after *described
	if in.NextToken != "" {
		d, ok := parseStreamToken(in.NextToken)
		if !ok {
			return nil, invalid("nextToken", "the token is not one of this operation's answers")
		}
		after, start = &d, d.day
		if in.Descending {
			start = d.day.Add(day)
		}
	}
	out := &describeLogStreamsOutput{Streams: []logStream{}}
	if !possible {
		return out, nil
	}
	var last described
	for all, err := range s.streams(ctx, g.list, start, in.Descending) {
		if err != nil {
			return nil, fmt.Errorf("streams of a log group: %w", err)
		}
		slices.SortFunc(all, compare)
		for _, d := range all {
			if !strings.HasPrefix(d.String(), in.Prefix) || after != nil && compare(d, *after) <= 0 {
				continue
			}
			if len(out.Streams) == limit {
				out.NextToken = last.token()
				return out, nil
			}
			last = d
			out.Streams = append(out.Streams, logStream{Name: d.String(), Created: d.first.UnixMilli(), First: d.first.UnixMilli(),
				Last: d.last.UnixMilli(), LastIngestion: d.last.UnixMilli(), ARN: s.groupARN(c.AccountID, g.item.ID) + ":log-stream:" + d.String()})
		}
		if beyond := all[0].day; !to.IsZero() && !in.Descending && !beyond.Before(to) || in.Descending && beyond.Before(from) {
			break
		}
	}
	return out, nil
}

// token is where the next page begins: after this stream.
func (d described) token() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(d.last.UnixMilli(), 10) + " " + d.String()))
}

func parseStreamToken(token string) (d described, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return described{}, false
	}
	last, name, _ := strings.Cut(string(text), " ")
	at, err := strconv.ParseInt(last, 10, 64)
	d.last = time.UnixMilli(at).UTC()
	d.stream, ok = parseStream(name)
	return d, ok && err == nil
}
