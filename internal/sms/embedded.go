package sms

import "time"

// What an account has in the services that are embedded for its destinations, where
// aws.endpoint_url names no others.

// LogGroup is a log group of the embedded CloudWatch Logs. Its lines are in the
// store's log of the list "log-group", its account, its name and its creation.
type LogGroup struct {
	Name          string `json:"name"`
	RetentionDays int    `json:"retention_days,omitempty"` // 0: for ever
}

// LogGroupList names the lines of a log group; one that is made again has others.
func LogGroupList(account, name string, created time.Time) []string {
	return []string{"log-group", account, name, created.UTC().Format(time.RFC3339Nano)}
}

// Topic is a standard topic of the embedded SNS.
type Topic struct {
	Name       string            `json:"name"`
	Attributes map[string]string `json:"attributes,omitempty"` // that were set, for instance DisplayName and Policy
}

// Subscription is a subscriber of a topic. One that waits for its confirmation gets
// nothing.
type Subscription struct {
	ID         string    `json:"id"` // UUID
	Topic      string    `json:"topic"`
	Protocol   string    `json:"protocol"` // http, https or sms
	Endpoint   string    `json:"endpoint"`
	Confirmed  bool      `json:"confirmed,omitempty"`
	Token      string    `json:"token,omitempty"` // that confirms it
	TokenUntil time.Time `json:"token_until,omitzero"`
	Asked      time.Time `json:"asked,omitzero"` // when its endpoint took the request to confirm
	// Authenticated: the confirmation was signed. AuthenticateUnsubscribe: so has to
	// be what ends the subscription.
	Authenticated           bool              `json:"authenticated,omitempty"`
	AuthenticateUnsubscribe bool              `json:"authenticate_unsubscribe,omitempty"`
	Attributes              map[string]string `json:"attributes,omitempty"` // RawMessageDelivery, FilterPolicy, ...
}

// DeliveryStream is a stream of the embedded Firehose.
type DeliveryStream struct {
	Name           string        `json:"name"`
	BufferBytes    int64         `json:"buffer_bytes"`
	BufferInterval time.Duration `json:"buffer_interval"`
	Prefix         string        `json:"prefix,omitempty"`
	BucketARN      string        `json:"bucket_arn,omitempty"`
	RoleARN        string        `json:"role_arn,omitempty"`
	Compression    string        `json:"compression,omitempty"`
}
