package main

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

// client is one keep-alive connection that signs its own requests. It is built
// to cost little, since it shares the machine with the server it measures.
type client struct {
	address, accessKey string
	secret             string
	day                string
	key                []byte
	conn               net.Conn
	in                 *bufio.Reader
	body, out          bytes.Buffer
}

const region = "us-east-1"

func newClient(address, accessKey, secret string) (*client, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &client{address: address, accessKey: accessKey, secret: secret, conn: conn, in: bufio.NewReaderSize(conn, 4096)}, nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	io.WriteString(h, text)
	return h.Sum(nil)
}

func (c *client) signingKey(day string) []byte {
	if c.day != day {
		c.day = day
		c.key = mac(mac(mac(mac([]byte("AWS4"+c.secret), day), region), "sms-voice"), "aws4_request")
	}
	return c.key
}

// call makes one request and answers its status and body.
func (c *client) call(operation string, body []byte) (int, []byte, error) {
	now := time.Now().UTC()
	stamp, day := now.Format("20060102T150405Z"), now.Format("20060102")
	const signed = "content-type;host;x-amz-date;x-amz-target"
	hash := sha256.Sum256(body)
	target := "PinpointSMSVoiceV2." + operation
	canonical := "POST\n/\n\ncontent-type:application/x-amz-json-1.0\nhost:" + c.address + "\nx-amz-date:" + stamp +
		"\nx-amz-target:" + target + "\n\n" + signed + "\n" + hex.EncodeToString(hash[:])
	scope := day + "/" + region + "/sms-voice/aws4_request"
	digest := sha256.Sum256([]byte(canonical))
	signature := mac(c.signingKey(day), "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hex.EncodeToString(digest[:]))

	c.out.Reset()
	fmt.Fprintf(&c.out, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Date: %s\r\nX-Amz-Target: %s\r\n"+
		"Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x\r\nContent-Length: %d\r\n\r\n",
		c.address, stamp, target, c.accessKey, scope, signed, signature, len(body))
	c.out.Write(body)
	if _, err := c.conn.Write(c.out.Bytes()); err != nil {
		return 0, nil, err
	}
	return c.answer()
}

// answer reads a response with a Content-Length, as the server always sends one.
func (c *client) answer() (status int, body []byte, err error) {
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

func (c *client) close() { c.conn.Close() }
