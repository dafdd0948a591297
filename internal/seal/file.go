package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"heliograph/internal/datadir"
	"heliograph/internal/resources"
)

// File is the name of a node's copy of the data keys in its data directory, wrapped as
// they are in the database: with it and the master key the node's own files can be read
// without the database.
const File = "data_keys"

// maxFile bounds what is read of a copy.
const maxFile = 1 << 20

// copied is a data key in the copy.
type copied struct {
	Number string `json:"number"`
	resources.DataKey
}

// KeepFile is an Options.Keep that writes the copy in a data directory where it has
// changed. It is the whole old one or the whole new one also after a crash.
func KeepFile(directory string) func(DataKeys) error {
	var last []byte
	return func(all DataKeys) error {
		var keys []copied
		for _, item := range all {
			v := item.Value
			v.Seals = 0 // which changes often, and is not needed here
			keys = append(keys, copied{item.ID, v})
		}
		text, err := json.MarshalIndent(keys, "", "\t")
		if err != nil || bytes.Equal(text, last) {
			return err
		}
		if err := datadir.WritePrivate(filepath.Join(directory, File), append(text, '\n')); err != nil {
			return err
		}
		last = text
		return nil
	}
}

// ReadFile reads the copy in a data directory, which has none where nothing was sealed
// there yet.
func ReadFile(directory string) (DataKeys, error) {
	path := filepath.Join(directory, File)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, err
	}
	var keys []copied
	if err := json.Unmarshal(text, &keys); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var all DataKeys
	for _, k := range keys {
		all = append(all, &resources.Item[resources.DataKey]{ID: k.Number, Value: k.DataKey})
	}
	return all, nil
}
