package record

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// fill gives every field below v a value of its own, so that a field that the
// codec forgets is found by a round trip.
func fill(v reflect.Value, n *int) {
	*n++
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.UnixMilli(1_790_000_000_000 + int64(*n)).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"": "a", fmt.Sprint(*n): "", "k": fmt.Sprint(*n)}))
	case reflect.String:
		v.SetString(fmt.Sprintf("é%d", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(float64(*n) + 0.25)
	case reflect.Uint8, reflect.Uint16:
		v.SetUint(uint64(*n))
	default:
		v.SetInt(int64(*n))
	}
}

func TestEveryFieldComesBack(t *testing.T) {
	var m sms.Message
	var p sms.Progress
	var d store.EventDetail
	n := 0
	for _, v := range []any{&m, &p, &d} {
		fill(reflect.ValueOf(v).Elem(), &n)
	}

	gotM, err := Message(m.ID, AppendMessage(nil, &m))
	if diff := cmp.Diff(&m, gotM); err != nil || diff != "" {
		t.Errorf("message: %v\n%s", err, diff)
	}
	gotP, err := Progress(AppendProgress([]byte("x"), &p)[1:])
	if diff := cmp.Diff(p, gotP); err != nil || diff != "" {
		t.Errorf("progress: %v\n%s", err, diff)
	}
	gotD, err := Detail(AppendDetail(nil, &d))
	if diff := cmp.Diff(d, gotD); err != nil || diff != "" {
		t.Errorf("detail: %v\n%s", err, diff)
	}
	gotR, err := Route(AppendRoute(nil, p.Route))
	if diff := cmp.Diff(p.Route, gotR); err != nil || diff != "" {
		t.Errorf("route: %v\n%s", err, diff)
	}
}

func TestEmpty(t *testing.T) {
	m, err := Message(7, AppendMessage(nil, &sms.Message{ID: 7}))
	if diff := cmp.Diff(&sms.Message{ID: 7}, m); err != nil || diff != "" {
		t.Errorf("message: %v\n%s", err, diff)
	}
	if b := AppendDetail(nil, &store.EventDetail{}); len(b) != 0 {
		t.Errorf("an empty detail has %d bytes", len(b))
	}
	p := sms.Progress{Route: &sms.Route{}, Parts: make([]sms.PartProgress, 2)}
	got, err := Progress(AppendProgress(nil, &p))
	if diff := cmp.Diff(p, got); err != nil || diff != "" {
		t.Errorf("progress: %v\n%s", err, diff)
	}
}

func TestTimesAreKeptToTheMillisecond(t *testing.T) {
	zone := time.FixedZone("", 3600)
	for _, at := range []time.Time{{}, time.UnixMilli(0), time.UnixMilli(-1), time.Date(2026, 2, 3, 4, 5, 6, 789_999_999, zone)} {
		m, err := Message(1, AppendMessage(nil, &sms.Message{AcceptedAt: at}))
		if err != nil {
			t.Fatal(err)
		}
		want := at.UTC().Truncate(time.Millisecond)
		if m.AcceptedAt != want {
			t.Errorf("%v came back as %v", at, m.AcceptedAt)
		}
	}
}

func TestValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &sms.Message{ID: 1, Body: rapid.String().Draw(t, "body"),
			Price: sms.Money(rapid.Int64().Draw(t, "price")), Reference: rapid.Uint16().Draw(t, "reference")}
		m.Route.PartsPerSecond = rapid.Float64().Draw(t, "rate")
		got, err := Message(1, AppendMessage(nil, m))
		if err != nil || !reflect.DeepEqual(m, got) {
			t.Fatalf("%v: %s", err, cmp.Diff(m, got))
		}
		keys := rapid.SliceOfN(rapid.Int64(), 1, 20).Draw(t, "keys")
		back, err := Keys[int64](AppendKeys(nil, keys))
		if err != nil || !slices.Equal(keys, back) {
			t.Fatalf("keys %v: %v %v", keys, back, err)
		}
	})
}

// A newer program's fields must not keep an older one from reading the rest.
func TestUnknownFieldsArePassedOver(t *testing.T) {
	b := appendInt(nil, 900, math.MinInt64)
	b = appendBytes(b, 901, "later")
	b = AppendMessage(b, &sms.Message{Body: "hello"})
	b = appendBytes(b, 902, "later")
	m, err := Message(1, b)
	if err != nil || m.Body != "hello" {
		t.Fatalf("%+v %v", m, err)
	}
}

func TestMalformed(t *testing.T) {
	for _, doc := range []string{"\x80", "\x03", "\x03\x05abc", "\x0d\x02\x03\x09", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"} {
		if m, err := Message(1, []byte(doc)); err == nil {
			t.Errorf("%q was read as %+v", doc, m)
		}
	}
	if _, err := Keys[int64]([]byte{0x80}); err == nil {
		t.Error("cut off keys were read")
	}
}

func FuzzRecords(f *testing.F) {
	var m sms.Message
	var d store.EventDetail
	n := 0
	fill(reflect.ValueOf(&m).Elem(), &n)
	fill(reflect.ValueOf(&d).Elem(), &n)
	f.Add(AppendMessage(nil, &m))
	f.Add(AppendDetail(nil, &d))
	f.Add([]byte("\x80"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		if m, err := Message(1, doc); err == nil {
			again, err := Message(1, AppendMessage(nil, m))
			if err != nil || AppendMessage(nil, again) == nil && len(AppendMessage(nil, m)) != 0 {
				t.Fatalf("a message that was read cannot be read again: %v", err)
			}
		}
		if d, err := Detail(doc); err == nil {
			again, err := Detail(AppendDetail(nil, &d))
			if err != nil || !cmp.Equal(d, again) {
				t.Fatalf("%v: %s", err, cmp.Diff(d, again))
			}
		}
		if p, err := Progress(doc); err == nil {
			again, err := Progress(AppendProgress(nil, &p))
			if err != nil || len(again.Parts) != len(p.Parts) {
				t.Fatalf("a progress that was read cannot be read again: %v", err)
			}
		}
		if keys, err := Keys[int64](doc); err == nil {
			again, err := Keys[int64](AppendKeys(nil, keys))
			if err != nil || !slices.Equal(keys, again) {
				t.Fatalf("keys: %v", err)
			}
		}
	})
}
