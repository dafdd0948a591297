package audit

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

const (
	// version is that of the guide's records; tlsVersion the first that has tlsDetails.
	version    = "1.05"
	tlsVersion = "1.08"

	// Types of events.
	typeCall    = "AwsApiCall"
	typeSignIn  = "AwsConsoleSignIn"
	typeService = "AwsServiceEvent"

	// timeLayout is eventTime's, in UTC.
	timeLayout = "2006-01-02T15:04:05Z"

	// maxRecord is the longest record in bytes, as CloudTrail has it; maxText the
	// longest of the texts that clients or errors choose.
	maxRecord = 256 << 10
	maxText   = 1 << 10
)

// Record is a record of CloudTrail.
type Record struct {
	EventVersion        string          `json:"eventVersion"`
	UserIdentity        UserIdentity    `json:"userIdentity"`
	EventTime           string          `json:"eventTime"`
	EventSource         string          `json:"eventSource"`
	EventName           string          `json:"eventName"`
	AWSRegion           string          `json:"awsRegion"`
	SourceIPAddress     string          `json:"sourceIPAddress"`
	UserAgent           string          `json:"userAgent"`
	ErrorCode           string          `json:"errorCode,omitempty"`
	ErrorMessage        string          `json:"errorMessage,omitempty"`
	RequestParameters   json.RawMessage `json:"requestParameters"` // nil is null
	ResponseElements    json.RawMessage `json:"responseElements"`
	AdditionalEventData json.RawMessage `json:"additionalEventData,omitempty"`
	RequestID           string          `json:"requestID,omitempty"`
	EventID             string          `json:"eventID"`
	ReadOnly            bool            `json:"readOnly"`
	Resources           []Resource      `json:"resources,omitempty"` // of other accounts
	EventType           string          `json:"eventType"`
	RecipientAccountID  string          `json:"recipientAccountId"`
	SharedEventID       string          `json:"sharedEventID,omitempty"`
	ServiceEventDetails json.RawMessage `json:"serviceEventDetails,omitempty"`
	TLSDetails          *TLSDetails     `json:"tlsDetails,omitempty"`
}

// Resource is one that a call of another account acted on.
type Resource struct {
	AccountID string `json:"accountId"`
	Type      string `json:"type,omitempty"`
	ARN       string `json:"ARN"`
}

// TLSDetails say how a call came.
type TLSDetails struct {
	Version     string `json:"tlsVersion"` // "TLSv1.3"
	CipherSuite string `json:"cipherSuite"`
	Host        string `json:"clientProvidedHostHeader"`
}

func tlsDetails(state *tls.ConnectionState, host string) *TLSDetails {
	if state == nil {
		return nil
	}
	return &TLSDetails{Version: strings.Replace(tls.VersionName(state.Version), "TLS ", "TLSv", 1),
		CipherSuite: tls.CipherSuiteName(state.CipherSuite), Host: clip(host, maxText)}
}

// Time is the record's eventTime.
func (r *Record) Time() time.Time {
	at, _ := time.Parse(timeLayout, r.EventTime) // what is no time is none
	return at
}

// encode writes a record as one line without its end. One that is too long loses its
// parameters.
func (r *Record) encode() []byte {
	line := encodeLine(r)
	if len(line) <= maxRecord {
		return line
	}
	short := *r
	short.RequestParameters = omitted(len(r.RequestParameters))
	short.ResponseElements, short.Resources = nil, nil
	return encodeLine(&short)
}

// encodeLine writes JSON in one line, with no more escapes than it needs.
func encodeLine(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	// What is encoded here are texts and JSON that was written here before.
	if err := e.Encode(v); err != nil {
		panic("audit: a record cannot be written: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// omitted stands for parameters that are too long.
func omitted(size int) json.RawMessage {
	return json.RawMessage(`{"omitted":true,"originalSize":` + strconv.Itoa(size) + `,"reason":"the parameters are longer than a record may be"}`)
}

// clip shortens a text to so many bytes, between its characters.
func clip(s string, most int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= most {
		return s
	}
	cut := 0
	for i := range s {
		if i > most-len("...") {
			break
		}
		cut = i
	}
	return s[:cut] + "..."
}

// newEventID draws a UUID of version 4.
func newEventID() string {
	var u [16]byte
	rand.Read(u[:])
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	text := hex.EncodeToString(u[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
