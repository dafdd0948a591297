package inbound

import (
	"bytes"
	"encoding/json"
)

// Payload is what a two-way channel gets of a message, with the members in the order of
// the guide's example (chapter 6, "Example of a two-way SMS message payload"). All of
// them are there always: MessageKeyword is empty where the message begins with none, and
// PreviousPublishedMessageID where the number never wrote to the sender.
type Payload struct {
	OriginationNumber          string `json:"originationNumber"` // the sender's
	DestinationNumber          string `json:"destinationNumber"` // the account's
	MessageKeyword             string `json:"messageKeyword"`
	MessageBody                string `json:"messageBody"`
	InboundMessageID           string `json:"inboundMessageId"`
	PreviousPublishedMessageID string `json:"previousPublishedMessageId"`
}

// JSON is the payload on one line.
func (p Payload) JSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(p); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
