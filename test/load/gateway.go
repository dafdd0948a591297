package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"

	"heliograph/test/rig"
)

// gateway is a server that is measured: ours, or Kannel.
type gateway interface {
	// dial makes a client, one keep-alive connection. events asks for what
	// happens to its messages: status events, or reports of receipts.
	dial(events bool) (client, error)
	usage() rig.Usage
	// told reports whether so many messages have been told all that happened to
	// them, as far as the gateway tells it.
	told(messages int64) bool
	// stop ends the gateway in order, and kill at once.
	stop() error
	kill()
}

// client sends one message after the other. One goroutine uses it.
type client interface {
	// send hands over the message with a number and returns when the gateway has
	// taken it.
	send(number int64) error
	close()
}

// text is what every message says, 49 characters that make one part.
func text(number int64) string {
	return fmt.Sprintf("Your code is %06d. It is valid for ten minutes.", number%1_000_000)
}

// recipient is who gets it. No two messages of a run go to one recipient, which
// may get one a second.
func recipient(number int64) string { return fmt.Sprintf("+4917%09d", number) }

// apiClient sends by signed SendTextMessage calls.
type apiClient struct {
	*rig.Client
	suffix string
}

func (c apiClient) send(number int64) error {
	body := fmt.Sprintf(`{"DestinationPhoneNumber":"%s","OriginationIdentity":"%s","MessageBody":"%s"%s}`,
		recipient(number), lane(int(number)%lanes), text(number), c.suffix)
	status, answer, err := c.Call("SendTextMessage", []byte(body))
	if err != nil || status != 200 {
		return fmt.Errorf("SendTextMessage: %d %s %w", status, answer, err)
	}
	return nil
}

func (c apiClient) close() { c.Close() }

// call makes one call whose answer has to be good.
func call(c *rig.Client, operation string, in map[string]any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	if status, answer, err := c.Call(operation, body); err != nil || status != 200 {
		return fmt.Errorf("%s: %d %s %w", operation, status, answer, err)
	}
	return nil
}

// plain is one keep-alive connection that speaks HTTP/1.1.
type plain struct {
	conn net.Conn
	in   *bufio.Reader
	host string
	out  bytes.Buffer
	body bytes.Buffer
}

func dialPlain(address string) (*plain, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &plain{conn: conn, in: bufio.NewReaderSize(conn, 4096), host: address}, nil
}

// exchange writes the request in out and gives the answer's status and body, which
// has to have a Content-Length.
func (c *plain) exchange() (status int, body []byte, err error) {
	if _, err := c.conn.Write(c.out.Bytes()); err != nil {
		return 0, nil, err
	}
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
			_, err := io.CopyN(&c.body, c.in, int64(length))
			return status, c.body.Bytes(), err
		case len(text) > 15 && bytes.EqualFold(text[:15], []byte("Content-Length:")):
			length, _ = strconv.Atoi(string(bytes.TrimSpace(text[15:])))
		}
	}
}

func (c *plain) close() { c.conn.Close() }

// sendsmsClient sends by smsbox's HTTP interface: a GET for each message.
type sendsmsClient struct {
	*plain
	query string // of every message
}

func (c sendsmsClient) send(number int64) error {
	c.out.Reset()
	fmt.Fprintf(&c.out, "GET /cgi-bin/sendsms?%s&from=%s&to=%s&text=%s HTTP/1.1\r\nHost: %s\r\n\r\n", c.query,
		url.QueryEscape(lane(int(number)%lanes)), url.QueryEscape(recipient(number)), url.QueryEscape(text(number)), c.host)
	status, answer, err := c.exchange()
	if err != nil || status != 202 || !bytes.HasPrefix(answer, []byte("0: ")) {
		return fmt.Errorf("sendsms: %d %s %w", status, answer, err)
	}
	return nil
}

// ceiling is the address of a server that does nothing with what it reads.
type ceiling string

func (c ceiling) dial(bool) (client, error) {
	p, err := dialPlain(string(c))
	return ceilingClient{p}, err
}

func (c ceiling) usage() rig.Usage { return rig.Usage{} }
func (c ceiling) told(int64) bool  { return true }
func (c ceiling) stop() error      { return nil }
func (c ceiling) kill()            {}

type ceilingClient struct{ *plain }

func (c ceilingClient) send(number int64) error {
	body := fmt.Sprintf(`{"DestinationPhoneNumber":"%s","MessageBody":"%s"}`, recipient(number), text(number))
	c.out.Reset()
	fmt.Fprintf(&c.out, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n%s", c.host, len(body), body)
	status, answer, err := c.exchange()
	if err != nil || status != 200 {
		return fmt.Errorf("%d %s %w", status, answer, err)
	}
	return nil
}
