package firehose

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"heliograph/internal/sms"
)

// definition is a stream as it was made, by which it is told from another of the same
// name that was made after it was deleted. A buffer is of one definition and has it on
// disk, so that what it holds can be delivered when the stream is not there any more.
type definition struct {
	Account string             `json:"account"`
	Created int64              `json:"created"` // milliseconds of the epoch
	Stream  sms.DeliveryStream `json:"stream"`
}

// kept is the file of a definition in the buffer's directory.
type kept struct {
	definition
	Deleted time.Time `json:"deleted,omitzero"` // when this node saw that the stream was deleted
}

const definitionName = "stream.json"

// digestBytes tell definitions of one name and millisecond apart.
const digestBytes = 4

// path is the directory of the definition's buffer below that of all buffers. No stream
// has an @ in its name.
func (d definition) path() (string, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(text)
	return filepath.Join(d.Account, d.prefix()+hex.EncodeToString(digest[:digestBytes])), nil
}

func (d definition) prefix() string {
	return d.Stream.Name + "@" + strconv.FormatInt(d.Created, 10) + "-"
}

// named reports whether a directory has the name of the definition's buffer. Another
// version of the program may have made another digest of it.
func (d definition) named(directory string) bool {
	digest, ok := strings.CutPrefix(directory, d.prefix())
	text, err := hex.DecodeString(digest)
	return ok && err == nil && len(text) == digestBytes
}

func readKept(directory string) (k kept, err error) {
	text, err := os.ReadFile(filepath.Join(directory, definitionName))
	if err != nil {
		return k, err
	}
	if err := json.Unmarshal(text, &k); err != nil {
		return k, fmt.Errorf("read the definition in %s: %w", directory, err)
	}
	return k, nil
}

func (k kept) write(directory string) error {
	return replaceFile(filepath.Join(directory, definitionName), func(w io.Writer) error {
		return json.NewEncoder(w).Encode(k)
	})
}

// found are the buffers' directories that there are from before, with what they are of.
// It says what it leaves alone: a directory that no buffer of this version has.
func found(buffers string, leave func(path string, err error)) (map[string]kept, error) {
	all := map[string]kept{}
	accounts, err := directories(buffers)
	if err != nil {
		return nil, err
	}
	for _, account := range accounts {
		paths, err := directories(account)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			k, err := readKept(path)
			if err == nil && (filepath.Base(account) != k.Account || !k.named(filepath.Base(path))) {
				err = fmt.Errorf("it has the definition of stream %s of account %s", k.Stream.Name, k.Account)
			}
			if err != nil {
				leave(path, err)
				continue
			}
			all[path] = k
		}
	}
	return all, nil
}

// directories are those in a directory, which need not be there.
func directories(path string) (all []string, err error) {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if e.IsDir() {
			all = append(all, filepath.Join(path, e.Name()))
		}
	}
	return all, err
}
