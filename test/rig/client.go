package rig

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// Region is the region that requests are signed for.
const Region = "us-east-1"

// Client is one keep-alive connection that signs its own requests. It is built
// to cost little, since it shares the machine with the server. One goroutine uses
// it at a time.
type Client struct {
	Timeout time.Duration    // of a call; 0 is none
	Now     func() time.Time // that requests are signed with

	address   string
	key       Key
	day       string
	signing   map[string][]byte // keys of the day, by service
	conn      net.Conn
	in        *bufio.Reader
	body, out bytes.Buffer
}

// Key is an access key.
type Key struct{ ID, Secret string }

// Dial connects to the API at address, host:port.
func (k Key) Dial(address string) (*Client, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &Client{Now: time.Now, address: address, key: k, conn: conn, in: bufio.NewReaderSize(conn, 4096)}, nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	io.WriteString(h, text)
	return h.Sum(nil)
}

func (c *Client) signingKey(day, service string) []byte {
	if c.day != day {
		c.day, c.signing = day, map[string][]byte{}
	}
	key, made := c.signing[service]
	if !made {
		key = mac(mac(mac(mac([]byte("AWS4"+c.key.Secret), day), Region), service), "aws4_request")
		c.signing[service] = key
	}
	return key
}

// Call makes one request and gives its HTTP status and body, which is valid until
// the next call. After an error the connection is of no use any more.
func (c *Client) Call(operation string, body []byte) (int, []byte, error) {
	return c.call(smsVoice, "PinpointSMSVoiceV2."+operation, "", body)
}

// CallOnce is Call with an Idempotency-Key: a repetition is answered what the first
// call was.
func (c *Client) CallOnce(operation, key string, body []byte) (int, []byte, error) {
	return c.call(smsVoice, "PinpointSMSVoiceV2."+operation, "Idempotency-Key: "+key+"\r\n", body)
}

// CallLogs is Call for an operation of the embedded CloudWatch Logs.
func (c *Client) CallLogs(operation string, body []byte) (int, []byte, error) {
	return c.call("logs", "Logs_20140328."+operation, "", body)
}

// Operate is Call for an operation of the operator.
func (c *Client) Operate(operation string, body []byte) (int, []byte, error) {
	return c.call(smsVoice, "HeliographAdmin."+operation, "", body)
}

// smsVoice is the service that requests are signed for.
const smsVoice = "sms-voice"

// call makes a request of a service; header are further lines of its header, which are
// not signed.
func (c *Client) call(service, target, header string, body []byte) (int, []byte, error) {
	if c.Timeout > 0 {
		c.conn.SetDeadline(time.Now().Add(c.Timeout))
	}
	now := c.Now().UTC()
	stamp, day := now.Format("20060102T150405Z"), now.Format("20060102")
	const signed = "content-type;host;x-amz-date;x-amz-target"
	version := "1.0"
	if service != smsVoice {
		version = "1.1"
	}
	hash := sha256.Sum256(body)
	canonical := "POST\n/\n\ncontent-type:application/x-amz-json-" + version + "\nhost:" + c.address + "\nx-amz-date:" + stamp +
		"\nx-amz-target:" + target + "\n\n" + signed + "\n" + hex.EncodeToString(hash[:])
	scope := day + "/" + Region + "/" + service + "/aws4_request"
	digest := sha256.Sum256([]byte(canonical))
	signature := mac(c.signingKey(day, service), "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hex.EncodeToString(digest[:]))

	c.out.Reset()
	fmt.Fprintf(&c.out, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-amz-json-%s\r\nX-Amz-Date: %s\r\nX-Amz-Target: %s\r\n"+
		"Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x\r\n%sContent-Length: %d\r\n\r\n",
		c.address, version, stamp, target, c.key.ID, scope, signed, signature, header, len(body))
	c.out.Write(body)
	if _, err := c.conn.Write(c.out.Bytes()); err != nil {
		return 0, nil, err
	}
	return c.answer()
}

// answer reads a response with a Content-Length, as the server always sends one.
func (c *Client) answer() (status int, body []byte, err error) {
	length := 0
	for line := 0; ; line++ {
		text, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		text = bytes.TrimRight(text, "\r\n")
		switch {
		case line == 0 && len(text) >= 12:
			status, _ = strconv.Atoi(string(text[9:12]))
		case len(text) == 0:
			c.body.Reset()
			_, err = io.CopyN(&c.body, c.in, int64(length))
			return status, c.body.Bytes(), err
		case len(text) > 15 && bytes.EqualFold(text[:15], []byte("Content-Length:")):
			length, _ = strconv.Atoi(string(bytes.TrimSpace(text[15:])))
		}
	}
}

// Close ends the connection.
func (c *Client) Close() { c.conn.Close() }
