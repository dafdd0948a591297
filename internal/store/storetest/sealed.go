package storetest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Sealer is a store.Sealer with one key, of its own, which the octet after the marker
// names.
type Sealer struct {
	aead cipher.AEAD
	key  byte
}

// NewSealer makes one with a key of 32 octets.
func NewSealer(t testing.TB, key byte) Sealer {
	t.Helper()
	block, err := aes.NewCipher(bytes.Repeat([]byte{key}, 32))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return Sealer{aead, key}
}

// Seal encrypts.
func (s Sealer) Seal(dst, plain, about []byte) []byte {
	nonce := make([]byte, s.aead.NonceSize())
	rand.Read(nonce)
	return s.aead.Seal(append(append(dst, store.SealMarker, s.key), nonce...), nonce, plain, about)
}

// Open decrypts.
func (s Sealer) Open(dst, sealed, about []byte) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != store.SealMarker {
		return append(dst, sealed...), nil
	}
	if len(sealed) < 2+s.aead.NonceSize()+s.aead.Overhead() || sealed[1] != s.key {
		return dst, store.ErrNotSealed
	}
	return s.aead.Open(dst, sealed[2:][:s.aead.NonceSize()], sealed[2+s.aead.NonceSize():], about)
}

// SealedOpener opens the engine of a directory with a Sealer, or with nil.
type SealedOpener func(t *testing.T, dir string, sealer store.Sealer) store.Engine

// RunSealed tests what an engine writes with a Sealer. dump is everything that its
// database has on disk, once the engine is closed.
func RunSealed(t *testing.T, open SealedOpener, dump func(t *testing.T, dir string) []byte) {
	const secret = "quite a secret text"
	dir := t.TempDir()
	sealer := NewSealer(t, 1)
	s := &suite{T: t, dir: dir, ids: sms.NewIDs(0, 0), now: time.UnixMilli(1_790_000_000_123).UTC()}
	var current store.Sealer
	s.open = func(t *testing.T, dir string) store.Engine { return open(t, dir, current) }
	write := func(seq int64) *sms.Message {
		s.Engine = s.reopen()
		s.fence = s.join()
		m := s.message(1)
		m.Body = secret
		key := store.EntryKey{List: 7, Key: seq}
		s.apply(&store.Change{Accept: []store.Accepted{s.accepted(m)}, Park: []store.ParkedReceipt{{Seq: seq, Carrier: "acme", At: s.now, Doc: []byte(secret)}},
			Entries: []store.EntryWrite{{Entry: store.Entry{EntryKey: key, Doc: []byte(secret)}}},
			Logs:    []store.LogEvent{{Group: 9, At: s.now, Seq: seq, Message: []byte(secret)}},
			Append: []store.Event{{Account: account, ConfigurationSet: "topic:t", Status: store.StatusPublication, At: s.now,
				Detail: store.EventDetail{Content: &store.EventContent{Body: []byte(secret), Subject: secret, Attributes: map[string]string{"a": secret}}}}}})
		return m
	}
	read := func(m *sms.Message, seq int64) error {
		messages, err := s.Messages(s.ctx(), []sms.ID{m.ID})
		if err != nil {
			return err
		}
		s.same("message", messages, []*sms.Message{m})
		events, err := s.EventsAfter(s.ctx(), s.fence.Slot, 0, 100)
		s.need(err)
		if len(events) < 2 || string(events[1].Detail.Content.Body) != secret {
			s.Errorf("%d events", len(events))
		}
		parked, err := s.ParkedReceipts(s.ctx(), s.fence.Slot, seq-1, 1)
		s.need(err)
		entries, err := s.Engine.(store.Lists).Entries(s.ctx(), []store.EntryKey{{List: 7, Key: seq}})
		s.need(err)
		lines, err := s.Engine.(store.Lists).LogEvents(s.ctx(), store.LogScan{Group: 9, Slot: store.AnySlot, Limit: 10})
		s.need(err)
		if string(parked[0].Doc) != secret || string(entries[0].Doc) != secret || string(lines[0].Message) != secret {
			s.Errorf("read %q, %q, %q", parked[0].Doc, entries[0].Doc, lines[0].Message)
		}
		return nil
	}
	found := func() bool {
		s.need(s.Engine.Close())
		return bytes.Contains(dump(t, dir), []byte(secret))
	}

	current = sealer
	first := write(1)
	s.need(read(first, 1))
	if found() {
		t.Fatal("what was sealed is on disk in clear")
	}
	// From before there was encryption.
	current = nil
	second := write(2)
	digests := [][]byte{bytes.Repeat([]byte{0xFF}, 32), {0xFF}, append([]byte{0xFF, 1}, bytes.Repeat([]byte{7}, 30)...),
		append([]byte{0xFF, 9}, bytes.Repeat([]byte{7}, 62)...)} // of which none was sealed
	for i, doc := range digests {
		s.apply(&store.Change{Entries: []store.EntryWrite{{Entry: store.Entry{EntryKey: store.EntryKey{List: 8, Key: int64(i)}, Doc: doc}}}})
	}
	if !found() {
		t.Fatal("the test finds nothing")
	}
	current = sealer
	s.Engine = s.reopen()
	s.fence = s.join()
	s.need(read(first, 1))
	s.need(read(second, 2))
	for i, doc := range digests {
		entries, err := s.Engine.(store.Lists).Entries(s.ctx(), []store.EntryKey{{List: 8, Key: int64(i)}})
		s.need(err)
		if entries[0] == nil || !bytes.Equal(entries[0].Doc, doc) {
			s.Errorf("digest %x was read as %+v", doc, entries[0])
		}
	}
	s.need(s.Engine.Close())
	current = NewSealer(t, 2)
	s.Engine = s.reopen()
	s.fence = s.join()
	if err := read(first, 1); err == nil || errors.Is(err, store.ErrBroken) {
		t.Errorf("with another key: %v", err)
	}
}

// DumpFiles is what the files below a directory hold.
func DumpFiles(t *testing.T, dir string) []byte {
	t.Helper()
	var all []byte
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all = append(all, text...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}
