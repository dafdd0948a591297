package sigv4

// The exceptions that a refusal answers with.
const (
	MissingAuthenticationToken = "MissingAuthenticationTokenException" // not signed at all
	IncompleteSignature        = "IncompleteSignatureException"        // signed in a form that cannot be read
	UnrecognizedClient         = "UnrecognizedClientException"         // unknown access key or session token
	ExpiredToken               = "ExpiredTokenException"               // the session has ended
	InvalidSignature           = "InvalidSignatureException"           // another signature, scope or time than expected
)

// Error is a refusal.
type Error struct {
	Code    string // one of the exceptions above
	Message string // what was wrong and what is expected
}

// Error is the exception and its message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

func refuse(code, message string) error { return &Error{Code: code, Message: message} }

// quoted puts a part of the request into quotation marks, cut to a length that
// a message can bear.
func quoted(s string) string {
	const most = 64
	if len(s) > most {
		s = s[:most] + "..."
	}
	return "'" + s + "'"
}
