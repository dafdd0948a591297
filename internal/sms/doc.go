// Package sms holds the nouns of the service and the few rules that belong to
// them: messages and their states, origination identities, pools, configuration
// sets, ARNs, message ids, money and the one domain error type.
//
// Every other package may import sms; sms imports none of them.
package sms
