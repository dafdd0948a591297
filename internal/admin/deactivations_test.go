package admin

import (
	"slices"
	"strings"
	"testing"
)

func TestReadDeactivations(t *testing.T) {
	want := []string{"+12065550100", "+12065550101"}
	for name, text := range map[string]string{
		"numbers alone": "+12065550100\n+12065550101\n",
		"with a header": "phone number,carrier\n+12065550100,acme\n+12065550101,acme\n",
		"without plus":  "\ufeff12065550100\r\n12065550101\r\n",
		"with comments": "# of today\n+12065550100\n\n+12065550101",
	} {
		got, err := ReadDeactivations(strings.NewReader(text))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := ReadDeactivations(strings.NewReader("number\n+12065550100\nnobody\n")); err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("a line that is no number: %v", err)
	}
}
