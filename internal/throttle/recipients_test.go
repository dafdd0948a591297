package throttle

import (
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRecipientsReserve(t *testing.T) {
	r := NewRecipients(time.Second, 100, ms(0))
	a, b := RecipientKey("+447700900123"), RecipientKey("+447700900124")
	for i, s := range []struct {
		at   float64
		key  uint64
		want float64
	}{
		{0, a, 0},
		{0, b, 0}, // another recipient is not held back
		{0, a, 1000},
		{10, a, 2000},
		{10, b, 1000},
		{2500, b, 2500},
		{2500, a, 3000},
		{9000, a, 9000},
		{9999, a, 10000},
	} {
		if got := r.Reserve(ms(s.at), s.key); !got.Equal(ms(s.want)) {
			t.Errorf("step %d: %v, want %v", i, got.Sub(epoch), ms(s.want).Sub(epoch))
		}
	}
}

func TestRecipientsWithoutLimit(t *testing.T) {
	r := NewRecipients(0, 100, ms(0))
	for range 10 {
		if got := r.Reserve(ms(5), 1); !got.Equal(ms(5)) {
			t.Fatalf("%v", got)
		}
	}
	if r.Len() != 0 {
		t.Errorf("%d remembered", r.Len())
	}
}

func TestRecipientKey(t *testing.T) {
	if k := RecipientKey("+447700900123"); k != 447700900123 {
		t.Error(k)
	}
	if k := RecipientKey("+9999999999999999999"); k != 9999999999999999999 {
		t.Error(k)
	}
}

func TestRecipientsKeepABacklogOverTurns(t *testing.T) {
	// Twenty messages to one recipient hold slots for twenty seconds, while
	// others come and go.
	r := NewRecipients(time.Second, 1000, ms(0))
	for i := range 20 {
		if got := r.Reserve(ms(0), 7); !got.Equal(ms(float64(i) * 1000)) {
			t.Fatalf("slot %d at %v", i, got.Sub(epoch))
		}
	}
	key := uint64(100)
	for at := 0.0; at < 15_000; at += 10 {
		key++
		if got := r.Reserve(ms(at), key); !got.Equal(ms(at)) {
			t.Fatalf("a new recipient waits until %v", got.Sub(epoch))
		}
	}
	if got := r.Reserve(ms(15_000), 7); !got.Equal(ms(20_000)) {
		t.Errorf("the backlog was forgotten: %v", got.Sub(epoch))
	}
	if r.Forgotten() != 0 {
		t.Errorf("%d forgotten", r.Forgotten())
	}
}

func TestRecipientsAreBounded(t *testing.T) {
	for _, limit := range []int{0, 2, 3, 10, 100} {
		r := NewRecipients(time.Second, limit, ms(0))
		for key := range uint64(1000) {
			r.Reserve(ms(0), key)
			r.Reserve(ms(0), key)
			if r.Len() > max(limit, 2) {
				t.Fatalf("%d remembered of at most %d", r.Len(), limit)
			}
		}
		if r.Forgotten() == 0 {
			t.Errorf("limit %d: nothing forgotten", limit)
		}
	}
}

func TestRecipientsConcurrently(t *testing.T) {
	r := NewRecipients(time.Second, 1000, ms(0))
	slots := make([][]time.Time, 4)
	var wg sync.WaitGroup
	for i := range slots {
		wg.Go(func() {
			for range 50 {
				slots[i] = append(slots[i], r.Reserve(ms(0), 1))
			}
		})
	}
	wg.Wait()
	seen := map[time.Time]bool{}
	for _, s := range slots {
		for _, at := range s {
			if seen[at] {
				t.Fatalf("%v twice", at.Sub(epoch))
			}
			seen[at] = true
		}
	}
}

// With room enough, slots of one recipient are an interval apart and as early as
// that allows, whatever the others do.
func TestRecipientsProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := NewRecipients(time.Second, 400, epoch)
		next := map[uint64]time.Time{}
		now := epoch
		for range 200 {
			now = now.Add(time.Duration(rapid.IntRange(0, 1_500).Draw(t, "pause")) * time.Millisecond)
			key := rapid.Uint64Range(0, 15).Draw(t, "key")
			want := now
			if n := next[key]; n.After(now) {
				want = n
			}
			if got := r.Reserve(now, key); !got.Equal(want) {
				t.Fatalf("%v, want %v", got.Sub(epoch), want.Sub(epoch))
			}
			next[key] = want.Add(time.Second)
		}
		if r.Forgotten() != 0 {
			t.Fatal("forgotten with room enough")
		}
	})
}

func BenchmarkRecipientsReserve(b *testing.B) {
	now := time.Now()
	r := NewRecipients(time.Second, 1<<18, now)
	key := uint64(0)
	for b.Loop() {
		key++
		now = now.Add(50 * time.Microsecond) // 20,000 recipients a second
		r.Reserve(now, key)
	}
}
