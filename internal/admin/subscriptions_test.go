package admin_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"heliograph/internal/admin"
	"heliograph/internal/embedded/sns"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func TestSubscriptions(t *testing.T) {
	r := newRig(t)
	for _, o := range admin.Subscriptions(first, r.directory, r.engine) {
		r.operations[o.Target] = o
	}
	err := r.directory.Change(t.Context(), second, func(tx *resources.Tx) error {
		tx.Subscriptions.Put("one", sms.Subscription{ID: "one", Topic: "events", Protocol: "https", Endpoint: "https://me:secret@example.com/", Confirmed: true})
		tx.Subscriptions.Put("two", sms.Subscription{ID: "two", Topic: "events", Protocol: "http", Endpoint: "http://example.com/"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const letters = 120
	change := &store.Change{}
	for i := range letters {
		doc, err := json.Marshal(sns.DeadLetter{MessageID: fmt.Sprint(i), Reason: "the endpoint answered 404 Not Found", Message: "text"})
		if err != nil {
			t.Fatal(err)
		}
		change.Entries = append(change.Entries, store.EntryWrite{Entry: store.Entry{At: time.Now(), Doc: doc,
			EntryKey: store.EntryKey{List: sns.DeadLetterList(second, "one"), Key: int64(i)}}})
	}
	if err := r.committer.Commit(change); err != nil {
		t.Fatal(err)
	}
	if out := call[admin.ListSubscriptionsOutput](r, "ListSubscriptions", `{}`); len(out.Subscriptions) != 0 {
		t.Errorf("of the first account: %+v", out)
	}
	out := call[admin.ListSubscriptionsOutput](r, "ListSubscriptions", `{"account":"`+second+`"}`)
	if len(out.Subscriptions) != 2 || out.Subscriptions[0].DeadLetters != letters || out.Subscriptions[0].State != "confirmed" ||
		out.Subscriptions[1].State != "waiting" || strings.Contains(fmt.Sprint(out), "secret") {
		t.Errorf("%+v", out)
	}
	request, got := `{"account":"`+second+`","id":"one"}`, 0
	for {
		page := call[admin.ListDeadLettersOutput](r, "ListDeadLetters", request)
		for _, d := range page.DeadLetters {
			if d.MessageID != fmt.Sprint(got) || d.Message != "text" {
				t.Fatalf("%+v at %d", d, got)
			}
			got++
		}
		if page.Next == nil {
			break
		}
		request = fmt.Sprintf(`{"account":"%s","id":"one","after":%d}`, second, *page.Next)
	}
	if got != letters {
		t.Errorf("%d dead letters", got)
	}
	if e := r.refused("ListDeadLetters", `{"id":"one"}`); e.Reason != sms.ReasonInvalidParameter {
		t.Errorf("%+v", e)
	}
	if e := r.refused("ListSubscriptions", `{"account":"999999999999"}`); e.Reason != sms.ReasonInvalidParameter {
		t.Errorf("%+v", e)
	}
}
