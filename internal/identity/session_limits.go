package identity

import (
	"strings"

	"heliograph/internal/iam"
)

// Withheld is why somebody with a session of GetSessionToken may not call an operation,
// whatever policies allow; nil: that does not keep it from being called. Such a session
// may call nothing of IAM unless a one-time password was given, and of STS AssumeRole and
// GetCallerIdentity alone (GetSessionToken in the AWS STS API reference). Who signed in by
// password is not limited so, nor is a session of a role.
func Withheld(id *iam.Identity, action string) *iam.Decision {
	if id == nil || id.Session == nil || id.Session.Console || id.Type != iam.UserType && id.Type != iam.Root {
		return nil
	}
	service, operation, _ := strings.Cut(strings.ToLower(action), ":")
	switch service {
	case "iam":
		// That a role is given is no operation: the other services ask for it.
		if !id.Session.MFA.IsZero() || operation == "passrole" {
			return nil
		}
	case "sts":
		switch operation {
		case "assumerole", "getcalleridentity", "tagsession", "setsourceidentity":
			return nil
		}
	default:
		return nil
	}
	return &iam.Decision{Reason: iam.NoSessionPolicy, Source: iam.FromSession}
}
