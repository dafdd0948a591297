package numbering

import (
	"errors"
	"testing"
)

func TestCheckSenderID(t *testing.T) {
	tests := []struct {
		id, country string
		promotional bool
		form        SenderIDReason // of CheckSenderID
		request     SenderIDReason // of CheckSenderIDRequest
	}{
		{"HELIO", "GB", false, "", ""},
		{"A", "GB", false, "", ""},
		{"Helio-Graph", "GB", false, "", ""},
		{"a_1", "GB", true, "", ""},
		{"1and1", "GB", false, "", ""},
		{"", "GB", false, SenderIDBadLength, SenderIDBadLength},
		{"TWELVELETTER", "GB", false, SenderIDBadLength, SenderIDBadLength},
		{"HE LIO", "GB", false, SenderIDBadCharacters, SenderIDBadCharacters},
		{"HÉLIO", "GB", false, SenderIDBadCharacters, SenderIDBadCharacters},
		{"123456", "GB", true, SenderIDNoLetter, SenderIDNoLetter},
		{"---", "GB", false, SenderIDNoLetter, SenderIDNoLetter},
		{"HELIO", "US", false, "", SenderIDNotSupported},
		{"HELIO", "AU", false, "", SenderIDRegistrationRequired},
		{"HELIO", "SG", false, "", ""},
		{"HELIO", "CU", false, SenderIDCountryNotServed, SenderIDCountryNotServed},
		{"HELIOG", "IN", false, "", SenderIDRegistrationRequired},
		{"HELIO", "IN", false, SenderIDBadLength, SenderIDBadLength},
		{"HELIOGR", "IN", true, SenderIDBadLength, SenderIDBadLength},
		{"123456", "IN", true, "", SenderIDRegistrationRequired},
		{"123456", "IN", false, SenderIDNoLetter, SenderIDNoLetter},
		{"12345-", "IN", true, SenderIDNoLetter, SenderIDNoLetter},
	}
	for _, tt := range tests {
		check := func(name string, err error, want SenderIDReason) {
			var e *SenderIDError
			if want == "" {
				if err != nil {
					t.Errorf("%s %q for %s: %v", name, tt.id, tt.country, err)
				}
				return
			}
			if !errors.As(err, &e) || e.Reason != want || e.SenderID != tt.id || e.Country != tt.country || e.Text == "" {
				t.Errorf("%s %q for %s: %v, want %s", name, tt.id, tt.country, err, want)
			}
		}
		check("form", CheckSenderID(tt.id, tt.country, tt.promotional), tt.form)
		check("request", CheckSenderIDRequest(tt.id, tt.country, tt.promotional), tt.request)
	}
}
