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
