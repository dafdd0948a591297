package smpp

import (
	"errors"
	"fmt"

	"heliograph/internal/smpp/pdu"
)

// Why a session ended, or a request could not be sent.
var (
	// ErrClosed is a session that was closed on this side.
	ErrClosed = errors.New("smpp: session closed")
	// ErrUnbinding is a session that takes no more requests because Unbind was called.
	ErrUnbinding = errors.New("smpp: session is unbinding")
	// ErrPeerUnbind is a session that ends because the peer sent unbind.
	ErrPeerUnbind = errors.New("smpp: the peer unbound")
	// ErrInactive is a session that was unbound for lack of traffic.
	ErrInactive = errors.New("smpp: no traffic for the inactivity time")
	// ErrNoResponse is a request that was not answered within the response timeout.
	ErrNoResponse = errors.New("smpp: no response in time")
	// ErrPeerStalled is a peer that sends requests and does not read the answers.
	ErrPeerStalled = errors.New("smpp: the peer does not read its responses")
	// ErrWindowFull is a request that would have to wait for the window.
	ErrWindowFull = errors.New("smpp: window full")
	// ErrDirection is a request that this side may not send in a session so bound.
	ErrDirection = errors.New("smpp: the session is not bound for this request")
	// ErrTooLarge is a PDU longer than the session's MaxPDU.
	ErrTooLarge = errors.New("smpp: PDU larger than allowed")
)

// RequestError is a request that ended without an answer.
type RequestError struct {
	// Unknown is true where octets of the request may have reached the peer, so that
	// it may have been carried out. Where false, none was ever given to the socket.
	Unknown bool
	Cause   error
}

// Error tells the cause and the outcome.
func (e *RequestError) Error() string {
	if e.Unknown {
		return fmt.Sprintf("%v (outcome unknown)", e.Cause)
	}
	return fmt.Sprintf("%v (never written)", e.Cause)
}

// Unwrap is the cause.
func (e *RequestError) Unwrap() error { return e.Cause }

// NeverWritten reports whether err came from a request of which no octet was given
// to the socket, so that sending it again cannot duplicate it.
func NeverWritten(err error) bool {
	var request *RequestError
	return errors.As(err, &request) && !request.Unknown
}

// BindError is a bind that the message centre refused.
type BindError struct {
	Status pdu.Status
}

// Error names the status.
func (e *BindError) Error() string { return fmt.Sprintf("bind refused: %s", e.Status) }

func neverWritten(cause error) error { return &RequestError{Cause: cause} }
