package numbering

import "testing"

func TestSimulator(t *testing.T) {
	list := SimulatorNumbers()
	if len(list) != 50 {
		t.Errorf("%d numbers", len(list))
	}
	outcomes := map[string]int{}
	for _, s := range list {
		n, err := Parse(s.E164)
		if err != nil || n.Country != s.Country || n.E164 != s.E164 {
			t.Errorf("%+v parses as %+v, %v", s, n, err)
		}
		country, success, ok := Simulator(s.E164)
		if !ok || country != s.Country || success != s.Success {
			t.Errorf("%+v: %s, %v, %v", s, country, success, ok)
		}
		if _, ok := Lookup(s.Country); !ok {
			t.Errorf("%s is not served", s.Country)
		}
		if s.Success {
			outcomes[s.Country] |= 1
		} else {
			outcomes[s.Country] |= 2
		}
	}
	for country, o := range outcomes {
		if o != 3 {
			t.Errorf("%s lacks an outcome", country)
		}
	}
	if country, success, ok := Simulator("+14254147755"); country != "US" || !success || !ok {
		t.Error("success of the United States")
	}
	if country, success, ok := Simulator("+14254147167"); country != "US" || success || !ok {
		t.Error("failure of the United States")
	}
	if _, _, ok := Simulator("+14255550168"); ok {
		t.Error("an ordinary number")
	}
	list[0].Country = "ZZ"
	if SimulatorNumbers()[0].Country == "ZZ" {
		t.Error("the table can be changed from outside")
	}
}
