package wire

import (
	"encoding/json"
	"os"
	"testing"
)

// onePerPattern holds a rule for each pattern of the model's inputs.
var onePerPattern = []*textRule{
	&ruleAmazonResourceName, &ruleAttachmentUrl, &ruleCarrierLookupInputPhoneNumberType, &ruleClientToken,
	&ruleConfigurationSetName, &ruleConfigurationSetNameOrArn, &ruleContextValue, &ruleFieldPath, &ruleFilterValue,
	&ruleIamRoleArn, &ruleIsoCountryCode, &ruleKeyword, &ruleKeywordMessage, &ruleMaxPrice, &ruleMediaUrlValue,
	&ruleNextToken, &ruleNotifyConfigurationDisplayName, &ruleNotifyPoolIdOrUnset, &ruleNotifyTemplateId,
	&rulePhoneNumber, &rulePoolIdOrArn, &ruleSectionPath, &ruleTagKey, &ruleTagValue, &ruleTextMessageOriginationIdentity,
	&ruleVerificationCode,
}

// TestPatterns holds every pattern against what Python's re.fullmatch says of
// the same strings.
func TestPatterns(t *testing.T) {
	data, err := os.ReadFile("testdata/patterns.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Values   []string
		Patterns map[string]string
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range onePerPattern {
		seen[r.pattern] = true
		table, ok := want.Patterns[r.pattern]
		if !ok {
			t.Errorf("nothing is known of %s", r.pattern)
			continue
		}
		taken := 0
		for i, value := range want.Values {
			should := table[i] == '1'
			if got := r.match(value); got != should {
				t.Errorf("%s and %q: matched %t, want %t", r.pattern, value, got, should)
			}
			if should {
				taken++
			}
		}
		if taken == 0 || taken == len(want.Values) {
			t.Errorf("%s takes %d of %d strings: the table shows nothing", r.pattern, taken, len(want.Values))
		}
	}
	for p := range want.Patterns {
		if !seen[p] {
			t.Errorf("no rule has the pattern %s", p)
		}
	}
}
