// Package sns is the embedded SNS: the part of Amazon SNS that the guide's procedures
// need (chapters 6 and 10), at the API's port and with the same keys. Topics and
// subscriptions are resources of their account. What is published to a topic is an
// event of the event log, and a subscription is an event destination like any other,
// so that a subscriber that is down gets its messages later.
//
// A Service answers the requests. Subscribers makes the publishers that deliver to
// subscriptions over HTTP and as text messages. A Handshake asks those that are new to
// confirm. A Signer signs what is delivered.
package sns
