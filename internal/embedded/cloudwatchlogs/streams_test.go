package cloudwatchlogs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDescribeLogStreams(t *testing.T) {
	w := start(t)
	w.must("CreateLogGroup", `{"logGroupName":"g"}`, nil)
	seq := int64(0)
	line := func(slot int, days int, after time.Duration) {
		seq++
		w.publish("g", slot, seq, noon.AddDate(0, 0, -days).Add(after), "line")
	}
	line(0, 3, 0)
	line(0, 3, time.Hour)
	line(2, 3, 0)
	line(10, 3, 2*time.Hour)
	line(0, 1, 0)
	line(2, 0, 0)
	line(0, 0, time.Minute)

	describe := func(request string) (names []string) {
		t.Helper()
		token, limit := "", 0
		for {
			body := `{"logGroupName":"g"` + request
			if token != "" {
				body += `,"nextToken":"` + token + `"`
			}
			var out describeLogStreamsOutput
			w.must("DescribeLogStreams", body+`}`, &out)
			limit = max(limit, len(out.Streams))
			for _, s := range out.Streams {
				if s.ARN != "arn:aws:logs:us-east-1:"+customer+":log-group:g:log-stream:"+s.Name || s.Created != s.First || s.LastIngestion != s.Last {
					t.Errorf("described as %+v", s)
				}
				names = append(names, strings.TrimPrefix(s.Name, "heliograph/2026-"))
			}
			if token = out.NextToken; token == "" {
				return names
			}
			if len(out.Streams) == 0 {
				t.Fatalf("%s: a page without streams", request)
			}
		}
	}
	byName := []string{"02-26/0", "02-26/10", "02-26/2", "02-28/0", "03-01/0", "03-01/2"}
	byLast := []string{"02-26/2", "02-26/0", "02-26/10", "02-28/0", "03-01/2", "03-01/0"}
	backwards := func(names []string) []string {
		names = slices.Clone(names)
		slices.Reverse(names)
		return names
	}
	for _, limit := range []string{``, `,"limit":1`, `,"limit":2`, `,"limit":4`, `,"limit":50`} {
		for request, want := range map[string][]string{
			``:                           byName,
			`,"descending":true`:         backwards(byName),
			`,"orderBy":"LogStreamName"`: byName,
			`,"orderBy":"LastEventTime"`: byLast,
			`,"orderBy":"LastEventTime","descending":true`:                     byLast[:0:0],
			`,"logStreamNamePrefix":"heliograph/2026-02"`:                      byName[:4],
			`,"logStreamNamePrefix":"heliograph/2026-02-26"`:                   byName[:3],
			`,"logStreamNamePrefix":"heliograph/2026-02-26/1"`:                 byName[1:2],
			`,"logStreamNamePrefix":"heliograph/2026-02-28","descending":true`: byName[3:4],
			`,"logStreamNamePrefix":"heliograph/2026-02-27"`:                   nil,
			`,"logStreamNamePrefix":"other"`:                                   nil,
			`,"logStreamNamePrefix":"heliograph/2026-99-99/"`:                  nil,
		} {
			if len(want) == 0 && want != nil {
				want = backwards(byLast)
			}
			if got := describe(request + limit); !slices.Equal(got, want) {
				t.Errorf("%s gives %v, not %v", request+limit, got, want)
			}
		}
	}
	var out describeLogStreamsOutput
	w.must("DescribeLogStreams", `{"logGroupIdentifier":"g","limit":1}`, &out)
	first := noon.AddDate(0, 0, -3)
	if s := out.Streams[0]; s.First != first.UnixMilli() || s.Last != first.Add(time.Hour).UnixMilli() {
		t.Errorf("described as %+v", s)
	}
}

// TestPrefixes: what a prefix says of time is what its streams have, and where no stream
// can have it nothing is read.
func TestPrefixes(t *testing.T) {
	w := start(t)
	w.must("CreateLogGroup", `{"logGroupName":"g"}`, nil)
	for days := range 60 {
		w.publish("g", days%3, int64(days+1), noon.AddDate(0, 0, -days), "line")
	}
	var all describeLogStreamsOutput
	names := func(prefix string) (all []string) {
		t.Helper()
		token := ""
		for {
			var out describeLogStreamsOutput
			w.must("DescribeLogStreams", fmt.Sprintf(`{"logGroupName":"g","logStreamNamePrefix":%q,"nextToken":%q}`, prefix, token), &out)
			for _, s := range out.Streams {
				all = append(all, s.Name)
			}
			if token = out.NextToken; token == "" {
				return all
			}
		}
	}
	every := names("")
	if len(every) != 60 {
		t.Fatalf("there are %d streams", len(every))
	}
	whole := every[0]
	for i := range len(whole) + 1 {
		var want []string
		for _, name := range every {
			if strings.HasPrefix(name, whole[:i]) {
				want = append(want, name)
			}
		}
		if got := names(whole[:i]); !slices.Equal(got, want) {
			t.Errorf("%s: %v, not %v", whole[:i], got, want)
		}
	}
	for _, prefix := range []string{"x", "heliographs", "heliograph/x", whole + "x", "heliograph/2026-00", "heliograph/2026-1x", "heliograph/2026-02-30",
		"heliograph/2026-02-01x", "heliograph/2026-02-01/x", "heliograph/2026-02-01/01", "heliograph/2026-02-01/+1", "heliograph/2026-02-01/0/"} {
		for _, operation := range []string{"DescribeLogStreams", "FilterLogEvents"} {
			w.reads.n = 0
			w.must(operation, fmt.Sprintf(`{"logGroupName":"g","logStreamNamePrefix":%q}`, prefix), &all)
			if w.reads.n != 0 {
				t.Errorf("%s %s reads %d times", operation, prefix, w.reads.n)
			}
		}
	}
	for _, prefix := range []string{"heliograph/1", "heliograph/2027", "heliograph/2026-09", "heliograph/2025-12-3"} {
		for _, descending := range []bool{false, true} {
			w.reads.n = 0
			w.must("DescribeLogStreams", fmt.Sprintf(`{"logGroupName":"g","logStreamNamePrefix":%q,"descending":%v}`, prefix, descending), &all)
			if len(all.Streams) != 0 || w.reads.n > 3*3 {
				t.Errorf("%s gives %v after %d reads", prefix, all.Streams, w.reads.n)
			}
		}
	}
}

func TestReadingRate(t *testing.T) {
	w := start(t)
	w.must("CreateLogGroup", `{"logGroupName":"g"}`, nil)
	w.service.rates = w.rates
	for operation, perSecond := range map[string]int{"FilterLogEvents": 10, "DescribeLogStreams": 25} {
		passed := func(calls int) (n int) {
			for range calls {
				switch code := w.call(operation, `{"logGroupName":"g"}`, nil); code {
				case "":
					n++
				case throttling:
				default:
					t.Fatal(code)
				}
			}
			return n
		}
		if n := passed(60); n != readingBurst {
			t.Errorf("%s: %d of 60 at once passed", operation, n)
		}
		w.now = w.now.Add(time.Second)
		if n := passed(60); n != perSecond {
			t.Errorf("%s: %d passed after a second", operation, n)
		}
	}
}

func FuzzTokens(f *testing.F) {
	for _, seed := range []string{"f/1/2", "b/253402300799999/-9223372036854775808", "1-2-3", "heliograph/2026-03-01/0", "heliograph/2026-03-01/-1", described{}.token()} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if c, ok := parseCursor(text); ok {
			if again, ok := parseCursor(c.String()); !ok || again != c {
				t.Errorf("%q is %v, then %v", text, c, again)
			}
		}
		if p, ok := parseToken(text); ok && p.Slot >= 0 && p.Seq >= 0 {
			if again, ok := parseToken(token(p)); !ok || again != p {
				t.Errorf("%q is %v, then %v", text, p, again)
			}
		}
		if s, ok := parseStream(text); ok && fmt.Sprint(s) != text {
			t.Errorf("%q is the stream %s", text, s)
		}
		if d, ok := parseStreamToken(text); ok {
			if again, ok := parseStreamToken(d.token()); !ok || again != d {
				t.Errorf("%q is %v, then %v", text, d, again)
			}
		}
	})
}
