package credentials

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"heliograph/internal/datadir"
)

// KeysFile is the name of the file of the installation's keys in the data
// directory.
const KeysFile = "keys"

// Installation is what the first start makes.
type Installation struct {
	Keys         Root   // the sigv4.Keys of the API
	MessageIDKey []byte // 16 bytes, of sms.MessageIDs
	NextTokenKey []byte // 32 bytes
}

// Open reads both files, or makes those that are missing.
func Open(o Options) (Installation, error) {
	root, err := Ensure(o)
	if err != nil {
		return Installation{}, err
	}
	keys, err := EnsureKeys(o)
	return Installation{Keys: root, MessageIDKey: keys.MessageID, NextTokenKey: keys.NextToken}, err
}

// Keys are the installation's own keys.
type Keys struct {
	MessageID []byte // 16 bytes, of sms.MessageIDs
	NextToken []byte // 32 bytes, that NextTokens are signed with
}

const (
	messageIDBytes = 16
	nextTokenBytes = 32
)

// EnsureKeys reads the installation's keys, or makes them at the first start. Of
// the options, Directory and Rand are used.
func EnsureKeys(o Options) (Keys, error) {
	o = o.withDefaults()
	if err := os.MkdirAll(o.Directory, 0o700); err != nil {
		return Keys{}, fmt.Errorf("data directory: %w", err)
	}
	path := filepath.Join(o.Directory, KeysFile)
	text, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		k := Keys{MessageID: make([]byte, messageIDBytes), NextToken: make([]byte, nextTokenBytes)}
		for _, b := range [][]byte{k.MessageID, k.NextToken} {
			if _, err := io.ReadFull(o.Rand, b); err != nil {
				return Keys{}, fmt.Errorf("make the installation's keys: %w", err)
			}
		}
		if err := datadir.WritePrivate(path, []byte(k.file())); err != nil {
			return Keys{}, fmt.Errorf("write the installation's keys: %w", err)
		}
		return k, nil
	}
	if err != nil {
		return Keys{}, fmt.Errorf("read the installation's keys: %w", err)
	}
	k, err := parseKeys(text)
	if err != nil {
		return Keys{}, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

func (k Keys) file() string {
	return "message_id = " + hex.EncodeToString(k.MessageID) + "\nnext_token = " + hex.EncodeToString(k.NextToken) + "\n"
}

func parseKeys(text string) (Keys, error) {
	var k Keys
	for _, line := range strings.Split(text, "\n") {
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		b, err := hex.DecodeString(strings.TrimSpace(value))
		if err != nil {
			return Keys{}, fmt.Errorf("%s is not hexadecimal", strings.TrimSpace(name))
		}
		switch strings.TrimSpace(name) {
		case "message_id":
			k.MessageID = b
		case "next_token":
			k.NextToken = b
		}
	}
	if len(k.MessageID) != messageIDBytes || len(k.NextToken) != nextTokenBytes {
		return Keys{}, fmt.Errorf("message_id of %d bytes and next_token of %d bytes are needed", messageIDBytes, nextTokenBytes)
	}
	return k, nil
}
