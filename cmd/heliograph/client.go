package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"heliograph/internal/admin"
	"heliograph/internal/config"
	"heliograph/internal/credentials"
)

// client calls the operator's operations of the running server.
type client struct {
	url    string
	region string
	root   credentials.Root
	http   *http.Client
}

const (
	// signingName is the service that requests are signed for.
	signingName = "sms-voice"
	// callTimeout bounds one call.
	callTimeout = 60 * time.Second
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 64 << 20
)

// client reaches the server at api.listen with the root key in data_dir.
func (s *session) client() (*client, error) {
	cfg, err := s.config()
	if err != nil {
		return nil, err
	}
	root, err := credentials.Read(cfg.DataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s: the server makes it when it first starts (heliograph serve)", filepath.Join(cfg.DataDir, credentials.File))
	}
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{}
	scheme := "http"
	if cfg.API.TLS.Enabled() {
		scheme = "https"
		if transport.TLSClientConfig, err = pinned(cfg.API.TLS.CertFile); err != nil {
			return nil, err
		}
	}
	return &client{url: scheme + "://" + address(cfg), region: cfg.Region, root: root,
		http: &http.Client{Transport: transport, Timeout: callTimeout}}, nil
}

// address is where a listener of api.listen can be reached from this machine.
func address(cfg config.Config) string {
	host, port, _ := net.SplitHostPort(cfg.API.Listen)
	switch ip := net.ParseIP(host); {
	case host == "", ip != nil && ip.IsUnspecified() && ip.To4() != nil:
		host = "127.0.0.1"
	case ip != nil && ip.IsUnspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}

// pinned trusts the server's own certificate and no other, whatever name it has:
// the client has the very file that the server was given.
func pinned(certFile string) (*tls.Config, error) {
	text, err := os.ReadFile(certFile)
	if err != nil {
		return nil, fmt.Errorf("api.tls.cert_file: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("api.tls.cert_file: %s has no certificate in PEM", certFile)
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // VerifyConnection compares the certificate instead
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 || !bytes.Equal(state.PeerCertificates[0].Raw, block.Bytes) {
				return errors.New("the server's certificate is not the one in api.tls.cert_file")
			}
			return nil
		},
	}, nil
}

// call sends in to an operation of the operator and reads its answer into out.
func (c *client) call(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	request.Header.Set("X-Amz-Target", admin.TargetPrefix+operation)
	sum := sha256.Sum256(body)
	key := aws.Credentials{AccessKeyID: c.root.AccessKeyID, SecretAccessKey: c.root.SecretAccessKey}
	if err := v4.NewSigner().SignHTTP(ctx, key, request, hex.EncodeToString(sum[:]), signingName, c.region, time.Now()); err != nil {
		return fmt.Errorf("sign the request: %w", err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("cannot reach the server at %s, is it running? %w", c.url, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.url, err)
	}
	if response.StatusCode != http.StatusOK {
		return refused(response.StatusCode, answer)
	}
	return json.Unmarshal(answer, out)
}

// refused turns an error's document into words.
func refused(status int, answer []byte) error {
	var e struct {
		Type      string `json:"__type"`
		Message   string `json:"Message"`
		RequestID string `json:"RequestId"`
	}
	if json.Unmarshal(answer, &e) != nil || e.Message == "" {
		return fmt.Errorf("the server answered HTTP %d", status)
	}
	if e.RequestID != "" {
		return fmt.Errorf("%s: %s (request %s)", e.Type, e.Message, e.RequestID)
	}
	return fmt.Errorf("%s: %s", e.Type, e.Message)
}
