package sms

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestErrorsAreFoundInTheirChain(t *testing.T) {
	cause := &Error{Kind: KindThrottled, Message: "Try again.", Err: io.ErrUnexpectedEOF}
	err := fmt.Errorf("accept message: %w", cause)
	if got, ok := AsError(err); !ok || got != cause {
		t.Errorf("%v gives %v, %v", err, got, ok)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v hides its cause", err)
	}
	if want := "Try again.: unexpected EOF"; cause.Error() != want {
		t.Errorf("%q, want %q", cause.Error(), want)
	}
	if _, ok := AsError(io.EOF); ok {
		t.Error("io.EOF is an error of the domain")
	}
}

func TestErrorConstructors(t *testing.T) {
	for _, c := range []struct {
		got  *Error
		want Error
	}{
		{Invalid(ReasonInvalidARN, "PoolId", "%s is no ARN.", "PoolId"),
			Error{Kind: KindValidation, Reason: ReasonInvalidARN, Message: "PoolId is no ARN."}},
		{NotFound(TypePool, "pool-1"),
			Error{Kind: KindNotFound, ResourceType: TypePool, ResourceID: "pool-1", Message: `There is no pool "pool-1" in this account.`}},
		{Conflict(ReasonLastPhoneNumber, TypePool, "pool-1", "Pool %s has one member.", "pool-1"),
			Error{Kind: KindConflict, Reason: ReasonLastPhoneNumber, ResourceType: TypePool, ResourceID: "pool-1", Message: "Pool pool-1 has one member."}},
		{QuotaExceeded(ReasonPoolsPerAccount, "%d pools.", 25), Error{Kind: KindQuotaExceeded, Reason: ReasonPoolsPerAccount, Message: "25 pools."}},
		{Throttled("Slower."), Error{Kind: KindThrottled, Message: "Slower."}},
	} {
		fields := c.got.Fields
		c.got.Fields = nil
		if fmt.Sprintf("%+v", *c.got) != fmt.Sprintf("%+v", c.want) {
			t.Errorf("got %+v, want %+v", *c.got, c.want)
		}
		if c.want.Kind == KindValidation && (len(fields) != 1 || fields[0] != (Field{"PoolId", c.want.Message})) {
			t.Errorf("fields %v", fields)
		}
	}
}
