package sns

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// TestDeadLetters: what is refused for good is kept with its reason and holds nothing
// up; messages that fail again and again hold up nothing either.
func TestDeadLetters(t *testing.T) {
	r, h := newRig(t), newHook(t)
	r.topic()
	arn := r.confirmed("http", h.URL)
	subscription := arn[strings.LastIndexByte(arn, ':')+1:]
	h.answers(func(n received) int {
		switch {
		case strings.Contains(n.body, `"Message":"bad"`):
			return http.StatusBadRequest
		case strings.Contains(n.body, `"Message":"poison"`):
			return http.StatusInternalServerError
		case strings.Contains(n.body, `"Message":"moved"`):
			return http.StatusFound
		}
		return http.StatusOK
	})
	for range 4 {
		r.publish("poison")
	}
	r.publish("moved")
	id := r.publish("bad", "Subject", "S")
	for i := range 20 {
		r.publish(fmt.Sprint("good ", i))
	}
	r.eventually("the good ones", func() bool { return len(h.take(kindNotification)) == 20 })
	var letters []DeadLetter
	r.eventually("the dead letter", func() bool {
		var err error
		if letters, _, _, err = DeadLetters(t.Context(), r.engine, account, subscription, math.MinInt64, 10); err != nil {
			t.Fatal(err)
		}
		return len(letters) == 1
	})
	if d := letters[0]; d.MessageID != id || d.Message != "bad" || d.Subject != "S" || d.Reason != "the endpoint answered 400 Bad Request" || d.Refused.IsZero() {
		t.Errorf("%+v", d)
	}
	if n, err := CountDeadLetters(t.Context(), r.engine, account, subscription, 1000); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	if got := r.deliveries("dead_letter"); got != 1 {
		t.Errorf("the metric says %v", got)
	}
	r.must("Unsubscribe", "SubscriptionArn", arn)
	if r.directory.Inventory().Dropped.Get(fmt.Sprint(DeadLetterList(account, subscription))) == nil {
		t.Error("the dead letters of a subscription that ended are kept")
	}
}

// TestGivenUp: a message that an endpoint fails at again and again is a dead letter in
// the end, where it takes others.
func TestGivenUp(t *testing.T) {
	r, h := newRig(t), newHook(t)
	r.topic()
	arn := r.confirmed("http", h.URL)
	var mu sync.Mutex
	posted := 0
	h.answers(func(n received) int {
		if strings.Contains(n.body, `"Message":"poison"`) {
			mu.Lock()
			defer mu.Unlock()
			posted++
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	tried := func() int {
		mu.Lock()
		defer mu.Unlock()
		return posted
	}
	r.publish("poison")
	for i := range giveUpTurn + 5 {
		before := tried()
		r.publish("good")
		r.eventually("another try", func() bool { return tried() > before && len(h.take(kindNotification)) > i })
	}
	letters := func() int {
		n, err := CountDeadLetters(t.Context(), r.engine, account, arn[strings.LastIndexByte(arn, ':')+1:], 10)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if letters() != 0 {
		t.Error("given up at once")
	}
	r.setClock(time.Now().Add(giveUpTime))
	r.eventually("the dead letter", func() bool { return letters() == 1 })
}

// bareList is a List that no documents are read from.
type bareList struct {
	t *testing.T
	List
}

func (l bareList) EntriesAfter(ctx context.Context, scan store.EntryScan) ([]store.Entry, error) {
	if !scan.Bare {
		l.t.Error("documents are read")
	}
	return l.List.EntriesAfter(ctx, scan)
}

// TestExpireDeadLetters: of each slot those go that are too old, however many there are.
func TestExpireDeadLetters(t *testing.T) {
	r := newRig(t)
	r.topic()
	arn := between(r.must("Subscribe", "TopicArn", topicARN, "Protocol", "sms", "Endpoint", "+12065550199"), "SubscriptionArn")
	id := arn[strings.LastIndexByte(arn, ':')+1:]
	now := time.Now()
	change := &store.Change{}
	for slot, ages := range map[int]int{0: expireStep + 7, 3: 2, sms.MaxSlot: 5} {
		for i := range ages {
			letter := DeadLetter{Message: "old", Refused: now.Add(-time.Hour)}
			if i >= ages-2 {
				letter = DeadLetter{Message: "young", Refused: now}
			}
			entry, err := letter.entry(deadLetterKey(account, id, slot, int64(i+1)))
			if err != nil {
				t.Fatal(err)
			}
			change.Entries = append(change.Entries, store.EntryWrite{Entry: entry})
		}
	}
	if err := r.committer.Commit(change); err != nil {
		t.Fatal(err)
	}
	// Messages are long: neither reads them.
	if n, err := CountDeadLetters(t.Context(), bareList{t, r.engine}, account, id, 100_000); err != nil || n != len(change.Entries) {
		t.Errorf("%d are counted, %v", n, err)
	}
	for range 2 {
		if err := r.subscribers.ExpireDeadLetters(t.Context(), bareList{t, r.engine}, now.Add(-time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	letters, _, _, err := DeadLetters(t.Context(), r.engine, account, id, math.MinInt64, 10)
	if err != nil || len(letters) != 6 {
		t.Fatalf("%d are left, %v", len(letters), err)
	}
	for _, d := range letters {
		if d.Message != "young" {
			t.Errorf("%+v", d)
		}
	}
}
