// Package api answers the SMS and Voice v2 API: it authenticates a request
// (sigv4), decodes and validates it against the API model (wire), authorizes it,
// holds it to its request rate, calls one handler and encodes the answer. That
// happens once, in call order, for every operation; the table in ops.go has a row
// for each.
//
// A file per noun holds the handlers. A handler changes resources inside one
// resources.Directory change, so that all its checks and effects are made against
// the same state or not at all, and answers failures as *sms.Error; errors.go is
// the only place that knows what these look like on the wire.
package api
