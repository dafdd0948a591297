package smpp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"heliograph/internal/smpp/pdu"
)

// BindConfig says where and how an ESME binds.
type BindConfig struct {
	Address          string // host:port
	Type             pdu.BindType
	SystemID         string
	Password         string
	SystemType       string
	InterfaceVersion uint8       // 0x34 where 0
	AddressRange     pdu.Address // most message centres want it empty
	// TLS is the configuration of the connection; nil is plain TCP. ServerName is
	// filled in from Address where it is empty.
	TLS *tls.Config
	// BindTimeout bounds connecting, the TLS handshake and the bind together: 10 s.
	BindTimeout time.Duration
	Session     Config
}

// Dial connects and binds. The error is a [*BindError] where the message centre
// refused. The session does not depend on ctx once it is bound.
func Dial(ctx context.Context, c BindConfig) (*Session, error) {
	timeout := c.BindTimeout
	if timeout <= 0 {
		timeout = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", c.Address)
	if err != nil {
		return nil, fmt.Errorf("smpp: connect: %w", err)
	}
	if c.TLS != nil {
		conn, err = encrypt(ctx, conn, c)
		if err != nil {
			return nil, err
		}
	}
	return BindConn(ctx, conn, c)
}

func encrypt(ctx context.Context, conn net.Conn, c BindConfig) (net.Conn, error) {
	config := c.TLS
	if config.ServerName == "" && !config.InsecureSkipVerify {
		host, _, err := net.SplitHostPort(c.Address)
		if err != nil {
			conn.Close()
			return nil, fmt.Errorf("smpp: address %q: %w", c.Address, err)
		}
		config = config.Clone()
		config.ServerName = host
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("smpp: TLS: %w", err)
	}
	return secure, nil
}

// BindConn binds over a connection that exists already, until ctx ends. Where it
// fails it closes the connection.
func BindConn(ctx context.Context, conn net.Conn, c BindConfig) (*Session, error) {
	release := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	session, err := bind(conn, c)
	if !release() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		if cause := ctx.Err(); cause != nil && !errors.Is(err, cause) {
			err = fmt.Errorf("%w: %w", cause, err)
		}
		return nil, fmt.Errorf("smpp: bind to %s: %w", conn.RemoteAddr(), err)
	}
	session.run()
	return session, nil
}

// bindSequence numbers the bind; the session numbers its own from 1 on.
const bindSequence = 1

func bind(conn net.Conn, c BindConfig) (*Session, error) {
	cfg := c.Session.withDefaults()
	version := c.InterfaceVersion
	if version == 0 {
		version = pdu.Version34
	}
	if c.Type == 0 {
		c.Type = pdu.Transceiver
	}
	err := writePDU(conn, &pdu.Bind{
		Header: pdu.Header{Sequence: bindSequence}, Type: c.Type,
		SystemID: c.SystemID, Password: c.Password, SystemType: c.SystemType,
		InterfaceVersion: version, AddressRange: c.AddressRange,
	})
	if err != nil {
		return nil, err
	}
	stream := pdu.NewReader(conn, cfg.MaxPDU)
	response, err := bindResponse(conn, stream, c.Type)
	if err != nil {
		return nil, err
	}
	bound := Bound{
		Type: c.Type, SystemID: c.SystemID, SystemType: c.SystemType, InterfaceVersion: version,
		AddressRange: c.AddressRange, PeerSystemID: response.SystemID,
	}
	bound.PeerVersion, _ = response.InterfaceVersion()
	session := newSession(conn, stream, cfg, bound, false)
	session.table.next, session.table.oldest = bindSequence+1, bindSequence+1
	return session, nil
}

// bindResponse waits for the answer to the bind, answering an enquire_link or two on
// the way.
func bindResponse(conn net.Conn, stream *pdu.Reader, bound pdu.BindType) (*pdu.BindResp, error) {
	for {
		frame, err := stream.Next()
		if err != nil {
			return nil, err
		}
		p, err := pdu.Decode(frame)
		if err != nil {
			return nil, err
		}
		switch p := p.(type) {
		case *pdu.BindResp:
			if p.Type != bound {
				return nil, fmt.Errorf("%s answered a bind as %s", p.Command(), bound)
			}
			if p.Status != pdu.ROK {
				return nil, &BindError{Status: p.Status}
			}
			return p, nil
		case *pdu.GenericNack:
			return nil, &BindError{Status: p.Status}
		case *pdu.EnquireLink:
			if err := writePDU(conn, pdu.ResponseTo(p, pdu.ROK)); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("%s before the answer to the bind", p.Command())
		}
	}
}

// writePDU writes one PDU outside a session.
func writePDU(conn net.Conn, p pdu.PDU) error {
	b, err := pdu.Append(nil, p)
	if err != nil {
		return err
	}
	_, err = conn.Write(b)
	return err
}
