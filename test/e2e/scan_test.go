package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// secret is a text that must not be found.
type secret struct{ name, text string }

// forms are the ways in which a text may be in a file: as it is, in the encodings of text
// messages, escaped as JSON and Go do, and all these in hexadecimal and base 64.
func (s secret) forms() map[string][]byte {
	var big, little []byte
	for _, u := range utf16.Encode([]rune(s.text)) {
		big, little = append(big, byte(u>>8), byte(u)), append(little, byte(u), byte(u>>8))
	}
	all := map[string][]byte{}
	for name, text := range map[string][]byte{"UTF-8": []byte(s.text), "UTF-16BE": big, "UTF-16LE": little} {
		all[name] = text
		all[name+" hexadecimal"] = []byte(hex.EncodeToString(text))
		all[name+" upper hexadecimal"] = bytes.ToUpper([]byte(hex.EncodeToString(text)))
		for offset := range 3 {
			padded := append(make([]byte, offset), text...)
			whole := len(padded) / 3 * 3 // what follows is encoded with what comes after it
			for encoding, of := range map[string]*base64.Encoding{"base 64": base64.StdEncoding, "base 64 of URLs": base64.URLEncoding} {
				// So is what comes before it with the first characters.
				all[name+" "+encoding+" at "+strconv.Itoa(offset)] = []byte(of.EncodeToString(padded[:whole])[(offset*8+5)/6:])
			}
		}
	}
	quoted := strconv.QuoteToASCII(s.text)
	all["escaped"] = []byte(quoted[1 : len(quoted)-1])
	// Many are the same, and are looked for once.
	seen := map[string]bool{}
	for form, text := range all {
		if seen[string(text)] {
			delete(all, form)
		}
		seen[string(text)] = true
	}
	return all
}

// scan looks for the secrets in a text and in what is compressed in it, and says where
// they are.
func scan(t *testing.T, where string, text []byte, secrets []secret) (found []string) {
	t.Helper()
	for _, s := range secrets {
		for form, needle := range s.forms() {
			if bytes.Contains(text, needle) {
				found = append(found, s.name+" is in "+where+", "+form)
			}
		}
	}
	for rest := text; ; {
		at := bytes.Index(rest, []byte{0x1f, 0x8b, 8})
		if at < 0 {
			return found
		}
		rest = rest[at:]
		if r, err := gzip.NewReader(bytes.NewReader(rest)); err == nil {
			plain, _ := io.ReadAll(io.LimitReader(r, 64<<20)) // as far as it goes
			if len(plain) > 0 {
				found = append(found, scan(t, where+" (compressed)", plain, secrets)...)
			}
		}
		rest = rest[3:]
	}
}

// scanFiles looks into every file below a directory, but for those that are excepted.
func scanFiles(t *testing.T, dir string, secrets []secret, except ...string) (found []string) {
	t.Helper()
	files := 0
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		for _, name := range except {
			if strings.HasSuffix(path, name) {
				return nil
			}
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		found = append(found, scan(t, path, text, secrets)...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if files < 5 {
		t.Errorf("only %d files were looked into", files)
	}
	return found
}

// The scan finds what is there, in whatever form.
func TestScanFinds(t *testing.T) {
	t.Parallel()
	s := secret{"it", "Grüße, unter uns"}
	for form, text := range s.forms() {
		if got := scan(t, "a file", append(append([]byte("before "), text...), " after"...), []secret{s}); len(got) == 0 {
			t.Errorf("%s is not found", form)
		}
	}
	for offset := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", offset) + `{"body":"` + s.text + `","more":1}`))
		if got := scan(t, "a file", []byte(text), []secret{s}); len(got) == 0 {
			t.Errorf("with %d octets before it, it is not found in base 64", offset)
		}
	}
	var packed bytes.Buffer
	packed.WriteString("before")
	w := gzip.NewWriter(&packed)
	io.WriteString(w, "a line\n"+s.text)
	w.Close()
	if got := scan(t, "a file", packed.Bytes(), []secret{s}); len(got) == 0 {
		t.Error("it is not found in what is compressed")
	}
	if got := scan(t, "a file", []byte("something else"), []secret{s}); len(got) != 0 {
		t.Errorf("found in nothing: %v", got)
	}
}
