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
	signing   []byte // key of the day
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

func (c *Client) signingKey(day string) []byte {
	if c.day != day {
		c.day = day
		c.signing = mac(mac(mac(mac([]byte("AWS4"+c.key.Secret), day), Region), "sms-voice"), "aws4_request")
	}
	return c.signing
}

// Call makes one request and gives its HTTP status and body, which is valid until
// the next call. After an error the connection is of no use any more.
func (c *Client) Call(operation string, body []byte) (int, []byte, error) {
	return c.call("PinpointSMSVoiceV2."+operation, body)
}

// Operate is Call for an operation of the operator.
func (c *Client) Operate(operation string, body []byte) (int, []byte, error) {
	return c.call("HeliographAdmin."+operation, body)
}

func (c *Client) call(target string, body []byte) (int, []byte, error) {
	if c.Timeout > 0 {
		c.conn.SetDeadline(time.Now().Add(c.Timeout))
	}
	now := c.Now().UTC()
	stamp, day := now.Format("20060102T150405Z"), now.Format("20060102")
	const signed = "content-type;host;x-amz-date;x-amz-target"
	hash := sha256.Sum256(body)
	canonical := "POST\n/\n\ncontent-type:application/x-amz-json-1.0\nhost:" + c.address + "\nx-amz-date:" + stamp +
		"\nx-amz-target:" + target + "\n\n" + signed + "\n" + hex.EncodeToString(hash[:])
	scope := day + "/" + Region + "/sms-voice/aws4_request"
	digest := sha256.Sum256([]byte(canonical))
	signature := mac(c.signingKey(day), "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hex.EncodeToString(digest[:]))

	c.out.Reset()
	fmt.Fprintf(&c.out, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Date: %s\r\nX-Amz-Target: %s\r\n"+
		"Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x\r\nContent-Length: %d\r\n\r\n",
		c.address, stamp, target, c.key.ID, scope, signed, signature, len(body))
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
