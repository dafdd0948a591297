package throttle

import (
	"fmt"
	"testing"
)

func TestKeyed(t *testing.T) {
	k := NewKeyed(1, 2, 10)
	allowed := func(key string, at float64) bool {
		_, ok := k.Allow(key, ms(at))
		return ok
	}
	for i, want := range []bool{true, true, false} {
		if allowed("a", 0) != want {
			t.Errorf("request %d of a: %v", i, !want)
		}
	}
	if !allowed("b", 0) {
		t.Error("b has a rate of its own")
	}
	if !allowed("a", 1000) || allowed("a", 1000) {
		t.Error("a may make one more after a second")
	}
	for i := range 12 {
		allowed(fmt.Sprint(i), 1000)
	}
	if allowed("a", 1000) {
		t.Error("a is forgotten too early")
	}
	for i := range 1000 {
		allowed(fmt.Sprint(i), 1000)
		if n := len(k.recent) + len(k.before); n > 20 {
			t.Fatalf("%d keys are remembered", n)
		}
	}
}

func TestKeyedGiveBack(t *testing.T) {
	k := NewKeyed(1, 2, 10)
	for range 10 {
		if _, ok := k.Allow("a", ms(0)); !ok {
			t.Fatal("what was given back counts")
		}
		k.GiveBack("a", ms(0))
	}
	// It gives no more than was taken, however long ago.
	k.Allow("a", ms(0))
	k.GiveBack("a", ms(10_000))
	k.GiveBack("b", ms(10_000)) // of one that was forgotten
	for _, key := range []string{"a", "b"} {
		for i, want := range []bool{true, true, false} {
			if _, ok := k.Allow(key, ms(10_000)); ok != want {
				t.Errorf("request %d of %s: %v", i, key, ok)
			}
		}
	}
	// One that was refused took nothing, and is not given back.
	k.GiveBack("a", ms(10_000))
	if _, ok := k.Allow("a", ms(10_000)); !ok {
		t.Error("one place was given back")
	}
}
