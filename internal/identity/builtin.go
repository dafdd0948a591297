package identity

import "heliograph/internal/iam"

// message reads as AWS's denials do.
func message(d iam.Decision, who, action, resource string) string {
	return "User: " + who + " is not authorized to perform: " + action + " on resource: " + resource + " because " + string(d.Reason)
}

// builtIn is the document of a managed policy that every account has.
func builtIn(arn string) (text string, ok bool) { return "", false }
