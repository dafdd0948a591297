// Package credentials makes and keeps the secrets of an installation: the root
// access key of its first account, in the shared credentials format of the AWS
// clients, and the keys that ids and page tokens are made with. All are made at
// the first start and readable by their owner only.
package credentials

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"heliograph/internal/api/sigv4"
)

// Files in the data directory.
const (
	File     = "credentials" // access key
	keysFile = "keys"        // message ids and page tokens
)

// AccessKey is the root access key of an account.
type AccessKey struct {
	ID     string
	Secret string
}

// Installation is every secret of an installation.
type Installation struct {
	Root         AccessKey
	MessageIDKey []byte // 16 bytes
	NextTokenKey []byte // 32 bytes
	Keys         sigv4.Keys
}

// Open reads the secrets of a data directory and makes those that are missing.
func Open(dir, account string) (Installation, error) {
	root, err := Read(dir)
	if errors.Is(err, fs.ErrNotExist) {
		root, err = makeAccessKey(dir)
	}
	if err != nil {
		return Installation{}, err
	}
	in := Installation{Root: root, Keys: single{root, account}}
	in.MessageIDKey, in.NextTokenKey, err = readKeys(dir)
	if errors.Is(err, fs.ErrNotExist) {
		in.MessageIDKey, in.NextTokenKey, err = makeKeys(dir)
	}
	return in, err
}

// Read reads the root access key of a data directory. The error is
// fs.ErrNotExist before the first start.
func Read(dir string) (AccessKey, error) {
	values, err := readFile(filepath.Join(dir, File))
	if err != nil {
		return AccessKey{}, fmt.Errorf("read credentials: %w", err)
	}
	key := AccessKey{ID: values["aws_access_key_id"], Secret: values["aws_secret_access_key"]}
	if key.ID == "" || key.Secret == "" {
		return AccessKey{}, fmt.Errorf("%s lacks aws_access_key_id or aws_secret_access_key", filepath.Join(dir, File))
	}
	return key, nil
}

// readFile reads lines of the form name = value.
func readFile(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %04o); it has to be 0600", path, info.Mode().Perm())
	}
	values := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), "="); ok {
			values[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return values, nil
}

func makeAccessKey(dir string) (AccessKey, error) {
	key := AccessKey{
		ID:     "AKIA" + base32.StdEncoding.EncodeToString(random(10)),
		Secret: base64.RawStdEncoding.EncodeToString(random(30)),
	}
	text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", key.ID, key.Secret)
	return key, write(filepath.Join(dir, File), text)
}

func readKeys(dir string) (messageID, nextToken []byte, err error) {
	values, err := readFile(filepath.Join(dir, keysFile))
	if err != nil {
		return nil, nil, fmt.Errorf("read keys: %w", err)
	}
	messageID, err = hex.DecodeString(values["message_id"])
	if err == nil {
		nextToken, err = hex.DecodeString(values["next_token"])
	}
	if err != nil || len(messageID) != 16 || len(nextToken) != 32 {
		return nil, nil, fmt.Errorf("%s does not hold the keys message_id and next_token", filepath.Join(dir, keysFile))
	}
	return messageID, nextToken, nil
}

func makeKeys(dir string) (messageID, nextToken []byte, err error) {
	messageID, nextToken = random(16), random(32)
	return messageID, nextToken, write(filepath.Join(dir, keysFile), fmt.Sprintf("message_id = %x\nnext_token = %x\n", messageID, nextToken))
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// write puts a file in place whole or not at all.
func write(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("make %s: %w", path, err)
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("make %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}

// single knows one access key.
type single struct {
	key     AccessKey
	account string
}

// Lookup finds the credential of an access key. The key is for good, so that it
// comes without a session token.
func (s single) Lookup(_ context.Context, accessKeyID, sessionToken string) (sigv4.Credential, error) {
	if subtle.ConstantTimeCompare([]byte(accessKeyID), []byte(s.key.ID)) != 1 || sessionToken != "" {
		return sigv4.Credential{}, sigv4.ErrUnknownKey
	}
	return sigv4.Credential{AccessKeyID: s.key.ID, SecretAccessKey: s.key.Secret, Account: s.account,
		Principal: "arn:aws:iam::" + s.account + ":root"}, nil
}
