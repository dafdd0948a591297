package wire

import (
	"reflect"
	"strings"
	"testing"
)

func TestOperations(t *testing.T) {
	names := Names()
	if len(names) != 106 {
		t.Errorf("%d operations", len(names))
	}
	paginated := 0
	for _, name := range names {
		op, ok := Lookup(name)
		if !ok || op.Name != name {
			t.Fatalf("Lookup(%q) gives %q, %t", name, op.Name, ok)
		}
		if got := reflect.TypeOf(op.NewInput()).Elem().Name(); got != name+"Request" {
			t.Errorf("input of %s is %s", name, got)
		}
		if got := reflect.TypeOf(op.NewOutput()).Elem().Name(); got != name+"Result" {
			t.Errorf("output of %s is %s", name, got)
		}
		for _, e := range []string{"ValidationException", "ThrottlingException", "AccessDeniedException", "InternalServerException"} {
			if !op.Declares(e) {
				t.Errorf("%s does not declare %s", name, e)
			}
		}
		if op.Paginated {
			paginated++
			if !strings.HasPrefix(name, "Describe") && !strings.HasPrefix(name, "List") {
				t.Errorf("%s answers in pages", name)
			}
		}
	}
	if paginated != 27 {
		t.Errorf("%d operations answer in pages", paginated)
	}
	if op, ok := Lookup("DescribeNothing"); ok || op.NewInput != nil {
		t.Error("an operation that is not there was found")
	}
	if op, _ := Lookup("DescribePools"); op.Declares("ConflictException") || !op.Declares("ResourceNotFoundException") {
		t.Error("DescribePools declares other exceptions than the model says")
	}
}

func TestExceptionStatus(t *testing.T) {
	for exception, want := range map[string]int{
		"ValidationException": 400, "ThrottlingException": 400, "ConflictException": 400, "AccessDeniedException": 400,
		"ResourceNotFoundException": 400, "ServiceQuotaExceededException": 400, "InternalServerException": 500, "NoSuchException": 0,
	} {
		if got := ExceptionStatus(exception); got != want {
			t.Errorf("%s: got %d, want %d", exception, got, want)
		}
	}
}

// TestConstants pins the spelling of constants with initialisms.
func TestConstants(t *testing.T) {
	for got, want := range map[string]string{
		ValidationExceptionReasonInvalidARN: "INVALID_ARN",
		NumberTypeTenDLC:                    "TEN_DLC",
		EventTypeTextTTLExpired:             "TEXT_TTL_EXPIRED",
		PoolFilterNameTwoWayChannelARN:      "two-way-channel-arn",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
