package cloudwatchlogs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/store"
)

// messages reads a page of a stream.
func (w *world) messages(request string) (messages []string, forward, backward string) {
	w.t.Helper()
	var out getLogEventsOutput
	w.must("GetLogEvents", request, &out)
	for _, e := range out.Events {
		messages = append(messages, e.Message)
	}
	return messages, out.Forward, out.Backward
}

func TestGetLogEvents(t *testing.T) {
	w := start(t)
	w.must("CreateLogGroup", `{"logGroupName":"g"}`, nil)
	for i := range 7 {
		// Two lines of one time are told apart by Seq.
		w.publish("g", 3, int64(i+1), noon.Add(time.Duration(i/2)*time.Second), fmt.Sprint(i))
	}
	w.publish("g", 4, 8, noon, "another slot's")
	w.publish("g", 3, 9, noon.Add(-24*time.Hour), "another day's")
	const of = `"logGroupName":"g","logStreamName":"heliograph/2026-03-01/3"`
	for request, want := range map[string]string{
		`{` + of + `}`: "0 1 2 3 4 5 6",
		`{"logGroupIdentifier":"arn:aws:logs:us-east-1:` + customer + `:log-group:g:*","logStreamName":"heliograph/2026-03-01/3"}`: "0 1 2 3 4 5 6",
		`{` + of + `,"limit":3}`:                                             "4 5 6",
		`{` + of + `,"limit":3,"startFromHead":true}`:                        "0 1 2",
		`{` + of + fmt.Sprintf(`,"startTime":%d}`, ms(time.Second)):          "2 3 4 5 6",
		`{` + of + fmt.Sprintf(`,"endTime":%d}`, ms(time.Second)):            "0 1",
		`{` + of + fmt.Sprintf(`,"startTime":%d}`, ms(-time.Hour)):           "0 1 2 3 4 5 6",
		`{` + of + fmt.Sprintf(`,"startTime":%d}`, ms(time.Hour)):            "",
		`{` + of + `,"startTime":0,"endTime":1}`:                             "",
		`{"logGroupName":"g","logStreamName":"heliograph/2026-02-28/3"}`:     "another day's",
		`{"logGroupName":"g","logStreamName":"heliograph/2026-03-01/4"}`:     "another slot's",
		`{` + of + `,"limit":2,"nextToken":"f/` + fmt.Sprint(ms(0)) + `/1"}`: "1 2",
	} {
		if got, _, _ := w.messages(request); strings.Join(got, " ") != want {
			t.Errorf("%s gives %v, not %s", request, got, want)
		}
	}

	// Forward to the end, where the token stays, until there is a new line.
	var all []string
	next := ""
	for {
		request := `{` + of + `,"limit":2,"startFromHead":true}`
		if next != "" {
			request = `{` + of + `,"limit":2,"startFromHead":true,"nextToken":"` + next + `"}`
		}
		got, forward, _ := w.messages(request)
		all = append(all, got...)
		if forward == next {
			break
		}
		next = forward
	}
	if strings.Join(all, " ") != "0 1 2 3 4 5 6" {
		t.Errorf("forward: %v", all)
	}
	w.publish("g", 3, 10, noon.Add(10*time.Second), "new")
	if got, forward, _ := w.messages(`{` + of + `,"nextToken":"` + next + `"}`); strings.Join(got, " ") != "new" || forward == next {
		t.Errorf("after a new line: %v and the token %s", got, forward)
	}

	// Backward likewise.
	all, next = nil, ""
	for {
		request := `{` + of + `,"limit":3}`
		if next != "" {
			request = `{` + of + `,"limit":3,"nextToken":"` + next + `"}`
		}
		got, _, backward := w.messages(request)
		all = append(got, all...)
		if backward == next {
			break
		}
		next = backward
	}
	if strings.Join(all, " ") != "0 1 2 3 4 5 6 new" {
		t.Errorf("backward: %v", all)
	}
	// From either end the other way leads back over all lines.
	_, forward, _ := w.messages(`{` + of + `,"nextToken":"` + next + `"}`)
	if got, _, _ := w.messages(`{` + of + `,"nextToken":"` + forward + `"}`); len(got) != 8 {
		t.Errorf("back from the head: %v", got)
	}
	last := fmt.Sprintf("f/%d/10", ms(10*time.Second))
	_, _, backward := w.messages(`{` + of + `,"nextToken":"` + last + `"}`)
	if got, _, _ := w.messages(`{` + of + `,"nextToken":"` + backward + `"}`); len(got) != 8 {
		t.Errorf("back from the end: %v", got)
	}
}

// ms is a time after noon in Unix milliseconds.
func ms(after time.Duration) int64 { return noon.Add(after).UnixMilli() }

// A reader that waits at the end of an empty stretch sees what comes.
func TestGetLogEventsBeforeLines(t *testing.T) {
	w := start(t)
	w.must("CreateLogGroup", `{"logGroupName":"g"}`, nil)
	w.publish("g", 0, 1, noon, "old")
	for i, head := range []string{"", `,"startFromHead":true`} {
		after := time.Duration(i+1) * time.Minute
		of := fmt.Sprintf(`{"logGroupName":"g","logStreamName":"heliograph/2026-03-01/0","startTime":%d%s`, ms(after), head)
		got, forward, backward := w.messages(of + `}`)
		if len(got) != 0 || forward[2:] != backward[2:] {
			t.Errorf("%s} gives %v, %s and %s", of, got, forward, backward)
		}
		w.publish("g", 0, int64(i+2), noon.Add(after), "new")
		if got, _, _ := w.messages(of + `,"nextToken":"` + forward + `"}`); !cmp.Equal(got, []string{"new"}) {
			t.Errorf("%s, then %s: %v", of, forward, got)
		}
	}
}

// find searches a group and gives what it finds, all pages together.
func (w *world) find(request string) (messages []string, pages int) {
	w.t.Helper()
	ids := map[string]bool{}
	token := ""
	for {
		body := `{"logGroupName":"g"` + request
		if token != "" {
			body += `,"nextToken":"` + token + `"`
		}
		var out filterLogEventsOutput
		w.must("FilterLogEvents", body+`}`, &out)
		for _, e := range out.Events {
			if ids[e.ID] || len(e.ID) != 56 {
				w.t.Errorf("the event id %s is there twice, or of another form", e.ID)
			}
			ids[e.ID] = true
			messages = append(messages, e.Message)
		}
		pages++
		if token = out.NextToken; token == "" {
			return messages, pages
		}
	}
}

func TestFilterLogEvents(t *testing.T) {
	w := start(t)
	w.must("CreateLogGroup", `{"logGroupName":"g"}`, nil)
	for i, e := range []struct {
		slot int
		at   time.Duration
		line string
	}{
		{0, 0, `{"eventType":"TEXT_QUEUED","n":1}`},
		{1, time.Second, `{"eventType":"TEXT_QUEUED","n":2}`},
		{0, 2 * time.Second, `{"eventType":"TEXT_DELIVERED","n":3}`},
		{1, 2 * time.Second, `{"eventType":"TEXT_BLOCKED","n":4}`},
		{0, -24 * time.Hour, `{"eventType":"TEXT_QUEUED","n":0}`},
	} {
		w.publish("g", e.slot, int64(i+1), noon.Add(e.at), e.line)
	}
	for request, want := range map[string]string{
		``:                                    "0 1 2 3 4",
		`,"interleaved":true`:                 "0 1 2 3 4",
		`,"limit":1`:                          "0 1 2 3 4",
		`,"limit":2`:                          "0 1 2 3 4",
		`,"filterPattern":"QUEUED"`:           "0 1 2",
		`,"filterPattern":"QUEUED","limit":1`: "0 1 2",
		`,"filterPattern":"{ $.eventType = \"TEXT_DELIVERED\" || $.n < 1 }"`:      "0 3",
		fmt.Sprintf(`,"startTime":%d`, ms(time.Second)):                           "2 3 4",
		fmt.Sprintf(`,"endTime":%d`, ms(time.Second)):                             "0 1 2",
		fmt.Sprintf(`,"startTime":%d,"endTime":%[1]d`, ms(2*time.Second)):         "3 4",
		fmt.Sprintf(`,"startTime":%d`, ms(24*time.Hour)):                          "",
		`,"logStreamNames":["heliograph/2026-03-01/1"]`:                           "2 4",
		`,"logStreamNames":["heliograph/2026-02-28/0","heliograph/2026-03-01/0"]`: "0 1 3",
		`,"logStreamNames":["heliograph/2026-02-28/0","heliograph/2026-03-01/1"]`: "0 2 4",
		`,"logStreamNamePrefix":"heliograph/2026-03"`:                             "1 2 3 4",
		`,"logStreamNamePrefix":"heliograph/2026-02-28"`:                          "0",
		`,"logStreamNamePrefix":"heliograph/2026-03-01/1"`:                        "2 4",
		`,"logStreamNamePrefix":"other"`:                                          "",
	} {
		messages, _ := w.find(request)
		var got []string
		for _, m := range messages {
			_, n, _ := strings.Cut(m, `"n":`)
			got = append(got, strings.TrimSuffix(n, "}"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s finds %v, not %s", request, got, want)
		}
	}
	var out filterLogEventsOutput
	w.must("FilterLogEvents", `{"logGroupName":"g","filterPattern":"BLOCKED"}`, &out)
	want := filteredLogEvent{"heliograph/2026-03-01/1", ms(2 * time.Second), `{"eventType":"TEXT_BLOCKED","n":4}`, ms(2 * time.Second), out.Events[0].ID}
	if out.Events[0] != want || out.Searched == nil {
		t.Errorf("found %+v", out)
	}
}

func TestFilterLogEventsPages(t *testing.T) {
	w := start(t)
	w.must("CreateLogGroup", `{"logGroupName":"g"}`, nil)
	long := strings.Repeat("x", 200<<10)
	lines := make([]store.LogEvent, 3000)
	group := list(customer, w.directory.Account(customer).LogGroups.Get("g"))
	for i := range lines {
		lines[i] = store.LogEvent{Group: group, At: noon.Add(time.Duration(i) * time.Millisecond), Seq: int64(i + 1), Message: []byte("short")}
		if i%250 == 0 {
			lines[i].Message = []byte(long)
		}
	}
	if err := w.committer.Commit(&store.Change{Logs: lines}); err != nil {
		t.Fatal(err)
	}
	if got, pages := w.find(``); len(got) != len(lines) || pages < 3 {
		t.Errorf("%d lines in %d pages", len(got), pages)
	}
	if got, pages := w.find(`,"filterPattern":"nothing"`); len(got) != 0 || pages != 1 {
		t.Errorf("%d lines in %d pages of a search for nothing", len(got), pages)
	}
	_, forward, _ := w.messages(`{"logGroupName":"g","logStreamName":"heliograph/2026-03-01/0","startFromHead":true}`)
	if !strings.HasPrefix(forward, "f/") || forward == fmt.Sprintf("f/%d/3000", lines[2999].At.UnixMilli()) {
		t.Errorf("one answer of more than a MiB: %s", forward)
	}
}

// What a follower does: it goes on from the newest time that it has seen, and leaves
// out the lines of that time that it has seen.
func TestLateLinesAreSeen(t *testing.T) {
	w := start(t)
	w.must("CreateLogGroup", `{"logGroupName":"g"}`, nil)
	var seen []string
	known := map[string]bool{}
	from := ms(-time.Minute)
	follow := func(now time.Duration) {
		w.now = noon.Add(now)
		var out filterLogEventsOutput
		w.must("FilterLogEvents", fmt.Sprintf(`{"logGroupName":"g","interleaved":true,"startTime":%d}`, from), &out)
		for _, e := range out.Events {
			if !known[e.ID] {
				seen, known[e.ID] = append(seen, e.Message), true
			}
			from = max(from, e.Timestamp)
		}
	}
	w.publish("g", 0, 2, noon.Add(2*time.Second), "b")
	follow(4 * time.Second) // too early for it
	w.publish("g", 1, 1, noon.Add(time.Second), "a")
	w.publish("g", 1, 2, noon.Add(2*time.Second), "c")
	follow(5 * time.Second)
	follow(5*time.Second + time.Millisecond)
	w.publish("g", 1, 4, noon.Add(4*time.Second), "d")
	follow(9 * time.Second)
	follow(14 * time.Second)
	if !slices.Equal(seen, []string{"a", "b", "c", "d"}) {
		t.Errorf("seen %v", seen)
	}
}

func TestPublisher(t *testing.T) {
	w := start(t)
	w.must("CreateLogGroup", `{"logGroupName":"g"}`, nil)
	for range 2 {
		w.publish("g", 0, 1, noon, "once")
	}
	if got, _ := w.find(``); !cmp.Equal(got, []string{"once"}) {
		t.Errorf("the group has %v", got)
	}
	if err := NewPublisher(w.directory, w.committer, customer, "h").Publish(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("published to a group that is not there: %v", err)
	}
	w.committer.Close()
	if err := NewPublisher(w.directory, w.committer, customer, "g").Publish(t.Context(), nil); !errors.Is(err, store.ErrClosed) {
		t.Errorf("published to a store that is closed: %v", err)
	}
}
