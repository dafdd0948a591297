// Package credentials makes the account's root access key and the installation's
// own keys at the first start, keeps them in two files of the data directory, and
// finds the root key for the API.
//
// The file named credentials is in the shared credentials format of the AWS tools,
// with the region beside the key, so that AWS_SHARED_CREDENTIALS_FILE is all that
// a client needs. The file named keys is the installation's own: losing it makes
// every MessageId and NextToken given out before unreadable.
package credentials

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"heliograph/internal/api/sigv4"
	"heliograph/internal/datadir"
	"heliograph/internal/iam"
)

// File is the name of the credentials file in the data directory.
const File = "credentials"

// Root is the access key of an account's root.
type Root struct {
	AccessKeyID     string
	SecretAccessKey string
	Region          string // that requests are signed for

	account, principal string
}

// Options say where the files are and whose key it is.
type Options struct {
	Directory string // made if it does not exist
	Account   string // twelve digits
	Partition string // of ARNs: "aws"
	Region    string
	Rand      io.Reader    // nil: crypto/rand
	Log       *slog.Logger // nil: slog.Default
}

func (o Options) withDefaults() Options {
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// Ensure reads the root access key, or makes one at the first start. Where the
// file has another region, that line of it is replaced.
func Ensure(o Options) (Root, error) {
	o = o.withDefaults()
	root := Root{Region: o.Region, account: o.Account, principal: "arn:" + o.Partition + ":iam::" + o.Account + ":root"}
	if err := os.MkdirAll(o.Directory, 0o700); err != nil {
		return Root{}, fmt.Errorf("data directory: %w", err)
	}
	path := filepath.Join(o.Directory, File)
	text, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		if root.AccessKeyID, err = newAccessKeyID(o.Rand); err != nil {
			return Root{}, err
		}
		if root.SecretAccessKey, err = newSecret(o.Rand); err != nil {
			return Root{}, err
		}
		if err := datadir.WritePrivate(path, []byte(root.file())); err != nil {
			return Root{}, fmt.Errorf("write credentials: %w", err)
		}
		o.Log.Info("made the account's root access key", "account", o.Account, "file", path)
		return root, nil
	}
	if err != nil {
		return Root{}, fmt.Errorf("read credentials: %w", err)
	}
	found, err := parse(text)
	if err != nil {
		return Root{}, fmt.Errorf("%s: %w", path, err)
	}
	root.AccessKeyID, root.SecretAccessKey = found.AccessKeyID, found.SecretAccessKey
	if found.Region != o.Region {
		if err := datadir.WritePrivate(path, []byte(withRegion(text, o.Region))); err != nil {
			return Root{}, fmt.Errorf("write credentials: %w", err)
		}
	}
	return root, nil
}

// Read reads the root access key that a server has made in a data directory.
func Read(directory string) (Root, error) {
	path := filepath.Join(directory, File)
	text, err := os.ReadFile(path)
	if err != nil {
		return Root{}, err
	}
	root, err := parse(string(text))
	if err != nil {
		return Root{}, fmt.Errorf("%s: %w", path, err)
	}
	return root, nil
}

// Lookup finds the root's credential. It makes a Root the sigv4.Keys of the API.
func (r Root) Lookup(_ context.Context, accessKeyID, sessionToken string) (sigv4.Credential, error) {
	if accessKeyID != r.AccessKeyID || sessionToken != "" {
		return sigv4.Credential{}, sigv4.ErrUnknownKey
	}
	return sigv4.Credential{AccessKeyID: r.AccessKeyID, SecretAccessKey: r.SecretAccessKey, Account: r.account, Principal: r.principal,
		Identity: &iam.Identity{AccessKeyID: r.AccessKeyID, Principal: iam.Principal{Type: iam.Root, ARN: r.principal, Account: r.account, ID: r.account}}}, nil
}

// LogValue keeps the secret out of logs.
func (r Root) LogValue() slog.Value { return slog.StringValue(r.AccessKeyID) }

// String keeps the secret out of formatted text.
func (r Root) String() string { return r.AccessKeyID }

func (r Root) file() string {
	return "[default]\naws_access_key_id = " + r.AccessKeyID + "\naws_secret_access_key = " + r.SecretAccessKey + "\nregion = " + r.Region + "\n"
}

// newAccessKeyID makes an id in the form of AWS's long-term keys: AKIA and 16
// characters of base 32.
func newAccessKeyID(random io.Reader) (string, error) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("make an access key: %w", err)
	}
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	return "AKIA" + string(b[:]), nil
}

// newSecret makes 30 random bytes, 40 characters in base 64.
func newSecret(random io.Reader) (string, error) {
	var b [30]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("make an access key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(b[:]), nil
}

var (
	idForm     = regexp.MustCompile(`^[A-Z0-9]{16,128}$`)
	secretForm = regexp.MustCompile(`^[A-Za-z0-9/+=]{16,128}$`)
)

// parse reads the default profile of a shared credentials file.
func parse(text string) (Root, error) {
	var r Root
	eachLine(text, func(_ int, key, value string) {
		switch key {
		case "aws_access_key_id":
			r.AccessKeyID = value
		case "aws_secret_access_key":
			r.SecretAccessKey = value
		case "region":
			r.Region = value
		}
	})
	if !idForm.MatchString(r.AccessKeyID) {
		return Root{}, errors.New("the default profile has no aws_access_key_id of 16 capital letters and digits or more")
	}
	if !secretForm.MatchString(r.SecretAccessKey) {
		return Root{}, errors.New("the default profile has no aws_secret_access_key of 16 characters or more")
	}
	return r, nil
}

// eachLine calls f with the keys of the default profile and their line numbers,
// from 0.
func eachLine(text string, f func(line int, key, value string)) {
	inside := false
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			inside = line == "[default]"
			continue
		}
		if key, value, ok := strings.Cut(line, "="); ok && inside && line[0] != '#' && line[0] != ';' {
			f(i, strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value))
		}
	}
}

// withRegion sets the region of the default profile and leaves all else.
func withRegion(text, region string) string {
	at, after := -1, -1
	eachLine(text, func(line int, key, _ string) {
		after = line
		if key == "region" {
			at = line
		}
	})
	lines := strings.Split(text, "\n")
	if at >= 0 {
		lines[at] = "region = " + region
	} else {
		rest := append([]string{"region = " + region}, lines[after+1:]...)
		lines = append(lines[:after+1], rest...)
	}
	return strings.Join(lines, "\n")
}
