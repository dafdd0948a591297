package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestAppendWire(t *testing.T) {
	for name, c := range map[string]struct {
		v    Shape
		want string
	}{
		"no member":       {&TagResourceResult{}, `{}`},
		"all absent":      {&SendTextMessageResult{}, `{}`},
		"escapes":         {&SendTextMessageResult{MessageId: new("\"\\\b\f\n\r\t\x00\x1f\x7f/<&é😀\u2028")}, `{"MessageId":"\"\\\b\f\n\r\t\u0000\u001f` + "\x7f" + `/<&é😀` + "\u2028" + `"}`},
		"not UTF-8":       {&SendTextMessageResult{MessageId: new("a\xffb\xc3")}, `{"MessageId":"a` + "\ufffdb\ufffd" + `"}`},
		"empty string":    {&SendTextMessageResult{MessageId: new("")}, `{"MessageId":""}`},
		"required list":   {&RequestPhoneNumberResult{}, `{"TwoWayEnabled":false,"SelfManagedOptOutsEnabled":false,"InternationalSendingEnabled":false,"DeletionProtectionEnabled":false}`},
		"list and map":    {&GetProtectConfigurationCountryRuleSetResult{CountryRuleSet: map[string]ProtectConfigurationCountryRuleSetInformation{"US": {ProtectStatus: "ALLOW"}, "CA": {ProtectStatus: "BLOCK"}}}, `{"ProtectConfigurationArn":"","ProtectConfigurationId":"","NumberCapability":"","CountryRuleSet":{"CA":{"ProtectStatus":"BLOCK"},"US":{"ProtectStatus":"ALLOW"}}}`},
		"absent required": {&GetProtectConfigurationCountryRuleSetResult{}, `{"ProtectConfigurationArn":"","ProtectConfigurationId":"","NumberCapability":"","CountryRuleSet":{}}`},
		"structures":      {&DescribeAccountLimitsResult{AccountLimits: []AccountLimit{{Name: "POOLS", Used: 1, Max: -25}, {}}}, `{"AccountLimits":[{"Name":"POOLS","Used":1,"Max":-25},{"Name":"","Used":0,"Max":0}]}`},
		"input":           {&DescribePoolsRequest{PoolIds: []string{}, Filters: []PoolFilter{{}}}, `{"PoolIds":[],"Filters":[{}]}`},
		"tag of a reply":  {&ListTagsForResourceResult{Tags: []Tag{{Key: "k"}}}, `{"Tags":[{"Key":"k","Value":""}]}`},
		"blob":            {&CreateRegistrationAttachmentRequest{AttachmentBody: []byte("hi")}, `{"AttachmentBody":"aGk="}`},
		"whole seconds":   {&CreatePoolResult{CreatedTimestamp: new(time.Unix(1700000000, 0))}, `{"TwoWayEnabled":false,"SelfManagedOptOutsEnabled":false,"SharedRoutesEnabled":false,"DeletionProtectionEnabled":false,"CreatedTimestamp":1700000000}`},
	} {
		if got := string(c.v.AppendWire(nil)); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
	}
	if got := string((&SendTextMessageResult{MessageId: new("x")}).AppendWire([]byte("before"))); got != `before{"MessageId":"x"}` {
		t.Errorf("got %s", got)
	}
}

func TestAppendTimestamp(t *testing.T) {
	for want, at := range map[string]time.Time{
		"0":                time.Unix(0, 0),
		"1700000000.123":   time.UnixMilli(1700000000123),
		"1700000000.1":     time.UnixMilli(1700000000100),
		"1700000000.01":    time.UnixMilli(1700000000010),
		"1700000000.001":   time.Unix(1700000000, 1_999_999),
		"-1.5":             time.UnixMilli(-1500),
		"253402300799.999": time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC),
	} {
		if got := string(appendTimestamp(nil, at)); got != want {
			t.Errorf("%v: got %s, want %s", at, got, want)
		}
	}
}

// fill gives v and everything in it values that the wire can carry. Optional
// members are absent now and then; required strings are never empty.
func fill(t *rapid.T, v reflect.Value) {
	sometimes := func() bool { return rapid.IntRange(0, 3).Draw(t, "absent") > 0 }
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.UnixMilli(rapid.Int64Range(minEpoch*1000, maxEpoch*1000).Draw(t, "time")).UTC()))
		return
	case []byte:
		if sometimes() {
			v.SetBytes(rapid.SliceOf(rapid.Byte()).Draw(t, "blob"))
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(t, v.Field(i))
			}
		}
	case reflect.Pointer:
		if sometimes() {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem())
		}
	case reflect.Slice:
		if sometimes() {
			// Two at most: no list of the model has a lower maximum than one,
			// and the decoder keeps one more.
			n := rapid.IntRange(0, 2).Draw(t, "items")
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(t, v.Index(i))
			}
		}
	case reflect.Map:
		if sometimes() {
			v.Set(reflect.MakeMap(v.Type()))
			for range rapid.IntRange(0, 2).Draw(t, "entries") {
				e := reflect.New(v.Type().Elem()).Elem()
				fill(t, e)
				v.SetMapIndex(reflect.ValueOf(rapid.String().Draw(t, "key")), e)
			}
		}
	case reflect.String:
		v.SetString(rapid.StringN(1, 12, -1).Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "boolean"))
	case reflect.Int32:
		v.SetInt(int64(rapid.Int32().Draw(t, "number")))
	case reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "number"))
	default:
		t.Fatalf("no values for %s", v.Type())
	}
}

// TestRoundTrip writes and reads inputs and outputs of every operation.
func TestRoundTrip(t *testing.T) {
	// A required list that is nil is written as an empty one.
	same := cmp.Options{cmpopts.EquateEmpty(), cmp.Exporter(func(reflect.Type) bool { return true })}
	for _, name := range Names() {
		op, _ := Lookup(name)
		for side, make := range map[string]func() Shape{"input": func() Shape { return op.NewInput() }, "output": op.NewOutput} {
			t.Run(fmt.Sprint(name, " ", side), func(t *testing.T) {
				rapid.Check(t, func(t *rapid.T) {
					v, again := make(), make()
					fill(t, reflect.ValueOf(v).Elem())
					out := v.AppendWire(nil)
					if !json.Valid(out) || !utf8.Valid(out) {
						t.Fatalf("wrote %q", out)
					}
					if err := Decode(out, again); err != nil {
						t.Fatalf("%s: %v", out, err)
					}
					if diff := cmp.Diff(v, again, same); diff != "" {
						t.Fatalf("%s\n%s", out, diff)
					}
					if second := again.AppendWire(nil); string(second) != string(out) {
						t.Fatalf("wrote %s and then %s", out, second)
					}
				})
			})
		}
	}
}
