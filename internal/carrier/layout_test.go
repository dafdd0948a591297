package carrier_test

import (
	"fmt"
	"slices"
	"testing"

	"heliograph/internal/carrier"
)

func TestLayout(t *testing.T) {
	l := carrier.Layout{"sim": 1, "acme": 3}
	if got, want := l.All(), []string{"acme#1of3", "acme#2of3", "acme#3of3", "sim"}; !slices.Equal(got, want) {
		t.Errorf("all are %q, want %q", got, want)
	}
	count := map[string]int{}
	for i := range 3000 {
		lane := fmt.Sprintf("acme/+1206555%04d", i)
		shard := l.Shard("acme", lane)
		if !l.Has(shard) || carrier.OfShard(shard) != "acme" || shard != l.Shard("acme", lane) {
			t.Fatalf("lane %s is in shard %q", lane, shard)
		}
		if want := fmt.Sprintf("acme#%dof3", carrier.ShardNumber(shard)+1); shard != want {
			t.Fatalf("shard %q is number %d", shard, carrier.ShardNumber(shard))
		}
		count[shard]++
	}
	for shard, n := range count {
		if n < 900 || n > 1100 {
			t.Errorf("shard %s has %d of 3000 lanes", shard, n)
		}
	}
	if got := l.Shard("sim", "any"); got != "sim" || !l.Has("sim") || carrier.ShardNumber("sim") != 0 {
		t.Errorf("the only shard is %q", got)
	}
	for _, shard := range []string{"acme", "acme#0of3", "acme#4of3", "acme#1of2", "other", "sim#1of1", ""} {
		if l.Has(shard) {
			t.Errorf("it has a shard %q", shard)
		}
	}
}
