package iam

// Message words a denial as AWS does: who may not do what on which resource, and why.
// resource is an ARN; empty stands for "*". Of an allowed request it says nothing.
func (d Decision) Message(principalARN, action, resource string) string {
	if d.Allowed {
		return ""
	}
	if resource == "" {
		resource = "*"
	}
	who := principalARN
	if who == "" {
		who = "anonymous"
	}
	return "User: " + who + " is not authorized to perform: " + action + " on resource: " + resource + d.because(action)
}

func (d Decision) because(action string) string {
	source := string(d.Source)
	switch d.Reason {
	case ExplicitDeny:
		return " with an explicit deny in " + article(source) + " " + source
	case NoIdentityPolicy, NoResourcePolicy, NoBoundary, NoSessionPolicy, NoEndpointPolicy:
		return " because no " + source + " allows the " + action + " action"
	case BrokenPolicy:
		return " because " + article(source) + " " + source + " is missing or cannot be read"
	}
	return ""
}

func article(noun string) string {
	if noun != "" && (noun[0] == 'i' || noun[0] == 'o' || noun[0] == 'e' || noun[0] == 'a') {
		return "an"
	}
	return "a"
}
