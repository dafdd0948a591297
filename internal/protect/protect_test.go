package protect

import (
	"maps"
	"reflect"
	"testing"
	"time"

	"heliograph/internal/sms"
)

type rules = map[sms.Capability]map[string]sms.ProtectStatus

func TestDecide(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := &sms.ProtectConfiguration{ID: "protect-1", Rules: rules{
		sms.CapabilitySMS:   {"FR": sms.ProtectBlock, "DE": sms.ProtectMonitor, "ES": sms.ProtectFilter, "IT": sms.ProtectAllow},
		sms.CapabilityVoice: {"GB": sms.ProtectBlock},
	}}
	allow, block := Override{}, Override{Block: true}
	until := func(o Override, at time.Time) *Override { o.Until = at; return &o }
	for name, test := range map[string]struct {
		configuration *sms.ProtectConfiguration
		override      *Override
		country       string
		capability    sms.Capability
		want          Decision
	}{
		"no configuration":             {nil, nil, "FR", sms.CapabilitySMS, Decision{Status: sms.ProtectAllow}},
		"no rule":                      {c, nil, "GB", sms.CapabilitySMS, Decision{Status: sms.ProtectAllow}},
		"no country":                   {c, nil, "", sms.CapabilitySMS, Decision{Status: sms.ProtectAllow}},
		"a rule of another capability": {c, nil, "FR", sms.CapabilityVoice, Decision{Status: sms.ProtectAllow}},
		"a capability without rules":   {c, nil, "FR", sms.CapabilityMMS, Decision{Status: sms.ProtectAllow}},
		"allow":                        {c, nil, "IT", sms.CapabilitySMS, Decision{Status: sms.ProtectAllow}},
		"block":                        {c, nil, "FR", sms.CapabilitySMS, Decision{Status: sms.ProtectBlock}},
		"block of voice":               {c, nil, "GB", sms.CapabilityVoice, Decision{Status: sms.ProtectBlock}},
		"monitor":                      {c, nil, "DE", sms.CapabilitySMS, Decision{Status: sms.ProtectMonitor}},
		"filter":                       {c, nil, "ES", sms.CapabilitySMS, Decision{Status: sms.ProtectFilter}},
		"a number let through":         {c, &allow, "FR", sms.CapabilitySMS, Decision{Status: sms.ProtectAllow, ByNumber: true}},
		"a number let through, filter": {c, &allow, "ES", sms.CapabilitySMS, Decision{Status: sms.ProtectAllow, ByNumber: true}},
		"a blocked number":             {c, &block, "GB", sms.CapabilitySMS, Decision{Status: sms.ProtectBlock, ByNumber: true}},
		"a blocked number, monitor":    {c, &block, "DE", sms.CapabilitySMS, Decision{Status: sms.ProtectBlock, ByNumber: true}},
		"not ended":                    {c, until(allow, now.Add(time.Millisecond)), "FR", sms.CapabilitySMS, Decision{Status: sms.ProtectAllow, ByNumber: true}},
		"ends now":                     {c, until(allow, now), "FR", sms.CapabilitySMS, Decision{Status: sms.ProtectBlock}},
		"ended":                        {c, until(block, now.Add(-time.Hour)), "GB", sms.CapabilitySMS, Decision{Status: sms.ProtectAllow}},
	} {
		if got := Decide(test.configuration, test.override, test.country, test.capability, now); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

func TestApplies(t *testing.T) {
	for _, test := range []struct{ request, set, account, want string }{
		{"a", "b", "c", "a"},
		{"", "b", "c", "b"},
		{"", "", "c", "c"},
		{"", "", "", ""},
		{"a", "", "", "a"},
	} {
		if got := Applies(test.request, test.set, test.account); got != test.want {
			t.Errorf("%+v: %q", test, got)
		}
	}
}

func TestMarks(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for mark, block := range map[int64]bool{sms.OverrideAllow: false, sms.OverrideBlock: true} {
		o := NewOverride(mark, at)
		if o.Block != block || o.Mark() != mark || !o.Until.Equal(at) {
			t.Errorf("mark %d: %+v with mark %d", mark, o, o.Mark())
		}
	}
}

func TestRefusal(t *testing.T) {
	for name, test := range map[string]struct {
		decision Decision
		want     sms.Reason
	}{
		"allow":   {Decision{Status: sms.ProtectAllow}, ""},
		"monitor": {Decision{Status: sms.ProtectMonitor}, ""},
		"filter":  {Decision{Status: sms.ProtectFilter}, ""},
		"country": {Decision{Status: sms.ProtectBlock}, "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"},
		"number":  {Decision{Status: sms.ProtectBlock, ByNumber: true}, "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE"},
	} {
		err := test.decision.Refusal("protect-1", "FR")
		if test.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		e, ok := sms.AsError(err)
		if !ok || e.Kind != sms.KindConflict || e.Reason != test.want || e.ResourceType != sms.TypeProtectConfiguration || e.ResourceID != "protect-1" {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestUpdate(t *testing.T) {
	before := rules{sms.CapabilitySMS: {"FR": sms.ProtectBlock, "DE": sms.ProtectMonitor}, sms.CapabilityVoice: {"GB": sms.ProtectBlock}}
	kept := rules{sms.CapabilitySMS: maps.Clone(before[sms.CapabilitySMS]), sms.CapabilityVoice: maps.Clone(before[sms.CapabilityVoice])}
	for name, test := range map[string]struct {
		capability sms.Capability
		updates    map[string]sms.ProtectStatus
		want       rules
	}{
		"changed and added": {sms.CapabilitySMS, map[string]sms.ProtectStatus{"FR": sms.ProtectFilter, "ES": sms.ProtectBlock},
			rules{sms.CapabilitySMS: {"FR": sms.ProtectFilter, "DE": sms.ProtectMonitor, "ES": sms.ProtectBlock}, sms.CapabilityVoice: {"GB": sms.ProtectBlock}}},
		"let through": {sms.CapabilitySMS, map[string]sms.ProtectStatus{"FR": sms.ProtectAllow, "IT": sms.ProtectAllow},
			rules{sms.CapabilitySMS: {"DE": sms.ProtectMonitor}, sms.CapabilityVoice: {"GB": sms.ProtectBlock}}},
		"the last one": {sms.CapabilityVoice, map[string]sms.ProtectStatus{"GB": sms.ProtectAllow},
			rules{sms.CapabilitySMS: before[sms.CapabilitySMS]}},
		"the first one": {sms.CapabilityMMS, map[string]sms.ProtectStatus{"GB": sms.ProtectBlock},
			rules{sms.CapabilitySMS: before[sms.CapabilitySMS], sms.CapabilityVoice: {"GB": sms.ProtectBlock}, sms.CapabilityMMS: {"GB": sms.ProtectBlock}}},
	} {
		if got := Update(before, test.capability, test.updates); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
		if !reflect.DeepEqual(before, kept) {
			t.Fatalf("%s: what there was has changed: %v", name, before)
		}
	}
	if got := Update(nil, sms.CapabilitySMS, map[string]sms.ProtectStatus{"FR": sms.ProtectBlock}); !reflect.DeepEqual(got, rules{sms.CapabilitySMS: {"FR": sms.ProtectBlock}}) {
		t.Errorf("without rules: %v", got)
	}
}
