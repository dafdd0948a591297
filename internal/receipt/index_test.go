package receipt

import (
	"fmt"
	"testing"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func key(id string) uint64 { return carrier.IndexKey("acme", id) }

func part(n int) sms.PartID { return sms.FirstID(sms.Epoch.Add(time.Duration(n) * time.Hour)).Part(1) }

func about(ids ...string) carrier.Receipt {
	return carrier.Receipt{Carrier: "acme", CarrierMessageIDs: ids}
}

func (x *index) found(ids ...string) (out []string) {
	for _, c := range x.find(about(ids...)) {
		id, _ := c.part.Split()
		s := fmt.Sprint(id.Time().Sub(sms.Epoch).Hours())
		if c.settled {
			s += " settled"
		}
		out = append(out, s)
	}
	return out
}

func (x *index) want(t *testing.T, ids []string, want ...string) {
	t.Helper()
	if got := fmt.Sprint(x.found(ids...)); got != fmt.Sprint(want) {
		t.Errorf("%v finds %s, want %v", ids, got, want)
	}
}

func TestIndexOrder(t *testing.T) {
	x := newIndex()
	x.add(key("a"), part(1))
	x.add(key("a"), part(2))
	x.add(key("a"), part(3))
	x.add(key("a"), part(3))
	x.add(key("b"), part(4))
	x.want(t, []string{"b", "none", "a"}, "4", "3", "2", "1")
	x.settle(key("a"), part(2))
	x.want(t, []string{"a", "b"}, "3", "1", "2 settled", "4")
	x.settle(key("a"), part(3))
	x.want(t, []string{"a"}, "1", "3 settled")
	x.settle(key("a"), part(9)) // that never waited
	x.settle(key("a"), part(1))
	x.settle(key("b"), part(4))
	x.want(t, []string{"a", "b"}, "1 settled", "4 settled")
	if open, _ := x.sizes(); open != 0 || len(x.before) != 0 {
		t.Errorf("%d parts wait", open)
	}
}

func TestIndexForgetsSettledParts(t *testing.T) {
	x := newIndex()
	for i := range 3 * settledGeneration {
		x.settle(uint64(i), part(i))
		if n := len(x.young) + len(x.old); n > 2*settledGeneration {
			t.Fatalf("%d settled parts are kept", n)
		}
	}
	if _, there := x.old[2*settledGeneration-1]; !there {
		t.Error("the older generation was dropped too early")
	}
}

func TestIndexPrune(t *testing.T) {
	x := newIndex()
	for i := range 10 {
		x.add(key("a"), part(i))
		x.add(key(fmt.Sprint(i)), part(i))
	}
	id, _ := part(8).Split()
	x.prune(id)
	x.want(t, []string{"a", "7", "8", "9"}, "9", "8", "8", "9")
	if open, _ := x.sizes(); open != 4 {
		t.Errorf("%d parts wait, want 4", open)
	}
	id, _ = part(20).Split()
	x.prune(id)
	if open, _ := x.sizes(); open != 0 || len(x.before) != 0 {
		t.Errorf("%d parts wait, want none", open)
	}
}

func TestIndexParks(t *testing.T) {
	x := newIndex()
	seen := x.find(about("a", "b"))
	if !x.park(parkedReceipt{receipt: about("a", "b", "a"), place: store.SlotSeq{Seq: 1}}, seen) || !x.park(parkedReceipt{receipt: about("b"), place: store.SlotSeq{Seq: 2}}, nil) {
		t.Fatal("not parked")
	}
	if waited := x.add(key("b"), part(1)); len(waited) != 2 || waited[0].place.Seq != 1 || waited[1].place.Seq != 2 {
		t.Errorf("part gives %v", waited)
	}
	if len(x.waiting) != 0 || len(x.parked) != 0 {
		t.Errorf("left behind: %v %v", x.waiting, x.parked)
	}
	// Looked at before the part was added, parked after.
	if x.park(parkedReceipt{receipt: about("a", "b"), place: store.SlotSeq{Seq: 3}}, seen) {
		t.Error("parked, though its part is known")
	}
	if !x.park(parkedReceipt{receipt: about("a", "b"), place: store.SlotSeq{Seq: 3}}, x.find(about("a", "b"))) {
		t.Error("not parked, though its parts were seen")
	}
	x.drop([]parkedReceipt{{place: store.SlotSeq{Seq: 3}}, {place: store.SlotSeq{Seq: 99}}})
	if len(x.waiting) != 0 || len(x.parked) != 0 {
		t.Errorf("left behind: %v %v", x.waiting, x.parked)
	}
}

func TestIndexDropsTheOldestOfTooMany(t *testing.T) {
	x := newIndex()
	at := time.Now()
	for i := range maxParked + 3 {
		x.park(parkedReceipt{receipt: about(fmt.Sprint(i)), place: store.SlotSeq{Seq: int64(i + 1)}, at: at}, nil)
	}
	if x.hasRoom() {
		t.Error("there is room")
	}
	list := x.expired(at)
	if len(list) != 3 || list[0].place.Seq != 1 || list[2].place.Seq != 3 {
		t.Errorf("%d receipts are too many, want the first 3", len(list))
	}
	x.drop(list)
	if list = x.expired(at); len(list) != 0 {
		t.Errorf("%d receipts are too many, want none", len(list))
	}
	if list = x.expired(at.Add(1)); len(list) != maxParked {
		t.Errorf("%d receipts are too old, want all", len(list))
	}
}

func TestSameNumber(t *testing.T) {
	for _, c := range []struct {
		named, number string
		want          bool
	}{
		{"447700900123", "+447700900123", true},
		{"+447700900123", "+447700900123", true},
		{"00447700900123", "+447700900123", true},
		{"011447700900123", "+447700900123", true},
		{"07700900123", "+447700900123", true},
		{"7700900123", "+447700900123", true},
		{"+44 7700-900.123", "+447700900123", true},
		{"05123456", "+3725123456", true},        // a trunk prefix before seven digits
		{"525512345678", "+5215512345678", true}, // without the digit of mobile numbers
		{"", "+447700900123", true},
		{"44770090XXXX", "+447700900123", true}, // masked
		{"HELIO", "+447700900123", true},
		{"447700900124", "+447700900123", false},
		{"7700900124", "+447700900123", false},
		{"12065550100", "+447700900123", false},
		{"447700900123", "HELIO", false},
		{"447700900123", "", false},
		{"12345", "12345", true}, // a short code
		{"12345", "12346", false},
	} {
		if got := sameNumber(c.named, c.number); got != c.want {
			t.Errorf("sameNumber(%q, %q) = %v", c.named, c.number, got)
		}
	}
}
