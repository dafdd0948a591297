package sts

import (
	"errors"
	"fmt"
	"net/http"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/identity"
)

// exception is an error in the words of AWS STS.
func exception(code string, status int, format string, args ...any) *service.Exception {
	return &service.Exception{Code: code, Status: status, Message: fmt.Sprintf(format, args...), Own: true}
}

func accessDenied(format string, args ...any) *service.Exception {
	return exception("AccessDenied", http.StatusForbidden, format, args...)
}

func tooMany(format string, args ...any) *service.Exception {
	return exception("Throttling", http.StatusBadRequest, format, args...)
}

// failure gives errors of package identity their names.
func failure(err error) error {
	switch {
	case errors.Is(err, identity.ErrPacked):
		return exception("PackedPolicyTooLarge", http.StatusBadRequest, "%s.", err)
	case errors.Is(err, identity.ErrMFA):
		return accessDenied("MultiFactorAuthentication failed with invalid MFA one time pass code.")
	}
	if wrong, ok := errors.AsType[*iam.SyntaxError](err); ok {
		return exception("MalformedPolicyDocument", http.StatusBadRequest, "%s", wrong.Error())
	}
	return err
}
