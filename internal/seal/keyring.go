package seal

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"heliograph/internal/resources"
	"heliograph/internal/store"
)

const (
	// Marker is the first octet of everything sealed.
	Marker = store.SealMarker
	// KeyBytes is the length of a data key and of a master key.
	KeyBytes   = 32
	nonceBytes = 12
	tagBytes   = 16
)

// reloadLimit bounds how long a data key that is not known yet is looked for.
const reloadLimit = 5 * time.Second

const (
	// ahead is how many numbers after the newest known data key are looked for: keys are
	// numbered one by one, so that one farther away is none.
	ahead = 256
	// forgetMissing is after what time a number that was not found is looked for again.
	// A key that is heard of is known at once.
	forgetMissing = 30 * time.Second
)

// ErrMaster is answered where no master key that is configured opens a data key.
var ErrMaster = errors.New("the data key is wrapped with another master key")

// DataKeys are data keys as the installation keeps them.
type DataKeys = []*resources.Item[resources.DataKey]

// Options of a Keyring.
type Options struct {
	Masters []Master // the first wraps new keys; the others only open
	// Reload reads the data keys again, for what another node sealed with a new one; nil
	// where no other makes any. It is called while rows are read, so it must not wait for
	// a connection that reads them.
	Reload func(ctx context.Context) (DataKeys, error)
	// Keep is told of the data keys before anything is sealed with a new one, and when
	// their master key has changed; nil for nobody. Its error keeps them from being used.
	Keep func(DataKeys) error
}

// Keyring is a store.Sealer with the data keys of the installation. It is made empty,
// since the engine that it is given to has its keys, and filled by Load. It may be used
// by several goroutines at once.
type Keyring struct {
	masters []Master
	reload  func(ctx context.Context) (DataKeys, error)
	keep    func(DataKeys) error

	changing sync.Mutex
	missing  map[uint64]time.Time // when a number was looked for last; guarded by changing
	keys     atomic.Pointer[keys]
}

// keys never change; what is known of them is added by a new one.
type keys struct {
	known   map[uint64]*dataKey
	current *dataKey // that seals; nil before there is any
}

type dataKey struct {
	number uint64
	aead   cipher.AEAD
	left   atomic.Int64 // seals that this node may still make
}

var _ store.Sealer = (*Keyring)(nil)

// New makes an empty Keyring.
func New(o Options) *Keyring {
	k := &Keyring{masters: o.Masters, reload: o.Reload, keep: o.Keep, missing: map[uint64]time.Time{}}
	k.keys.Store(&keys{known: map[uint64]*dataKey{}})
	return k
}

// Load takes the data keys over. A key that cannot be opened is an error, and nothing is
// taken over: ErrMaster where its master key is not among those that are configured.
func (k *Keyring) Load(ctx context.Context, all DataKeys) error {
	k.changing.Lock()
	defer k.changing.Unlock()
	return k.load(ctx, all)
}

func (k *Keyring) load(ctx context.Context, all DataKeys) error {
	before := k.keys.Load()
	// An older list does not bring back a key that has been followed by another.
	next := &keys{known: make(map[uint64]*dataKey, len(all)), current: before.current}
	for number, key := range before.known {
		next.known[number] = key
	}
	for _, item := range all {
		number, err := strconv.ParseUint(item.ID, 10, 32)
		if err != nil {
			return fmt.Errorf("data key %q has no number", item.ID)
		}
		key := next.known[number]
		if key == nil {
			if key, err = k.open(ctx, number, &item.Value); err != nil {
				return fmt.Errorf("data key %d: %w", number, err)
			}
			next.known[number] = key
		}
		if !item.Value.Retired && (next.current == nil || number > next.current.number) {
			next.current = key
		}
	}
	if k.keep != nil && len(all) > 0 {
		if err := k.keep(all); err != nil {
			return fmt.Errorf("keep the data keys: %w", err)
		}
	}
	k.keys.Store(next)
	return nil
}

func (k *Keyring) open(ctx context.Context, number uint64, v *resources.DataKey) (*dataKey, error) {
	plain, err := k.unwrap(ctx, number, v)
	if err != nil {
		return nil, err
	}
	aead, err := newAEAD(plain)
	if err != nil {
		return nil, err
	}
	return &dataKey{number: number, aead: aead}, nil
}

// unwrap decrypts a data key with the master key that it names, or else with another that
// may open what that one wrapped.
func (k *Keyring) unwrap(ctx context.Context, number uint64, v *resources.DataKey) ([]byte, error) {
	masters := slices.Clone(k.masters)
	slices.SortStableFunc(masters, func(a, b Master) int { return cmp.Compare(named(b, v.By), named(a, v.By)) })
	var failed []error
	for _, m := range masters {
		if !m.Opens(v.By) {
			continue
		}
		plain, err := m.Unwrap(ctx, number, v.By, v.Wrapped)
		if err == nil && len(plain) != KeyBytes {
			err = fmt.Errorf("it has %d bytes, and not %d", len(plain), KeyBytes)
		}
		if err == nil {
			return plain, nil
		}
		failed = append(failed, fmt.Errorf("wrapped with %s, opened with %s: %w", v.By, m.Name(), err))
	}
	if len(failed) > 0 {
		return nil, errors.Join(failed...)
	}
	have := ""
	for i, m := range k.masters {
		if i > 0 {
			have += ", "
		}
		have += m.Name()
	}
	return nil, fmt.Errorf("%w: it needs %s, and what is configured is %s", ErrMaster, v.By, have)
}

// named is 1 for the master key of a name.
func named(m Master, name string) int {
	if m.Name() == name {
		return 1
	}
	return 0
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Ready reports that there is a data key to seal with.
func (k *Keyring) Ready() bool { return k.keys.Load().current != nil }

// Seal appends plain to dst, encrypted with the newest data key. There has to be one.
func (k *Keyring) Seal(dst, plain, about []byte) []byte {
	key := k.keys.Load().current
	if key == nil {
		panic("seal: there is no data key yet")
	}
	key.left.Add(-1)
	dst = binary.AppendUvarint(append(dst, Marker), key.number)
	from := len(dst)
	for range nonceBytes {
		dst = append(dst, 0)
	}
	nonce := dst[from:]
	rand.Read(nonce)
	return key.aead.Seal(dst, nonce, plain, about)
}

// Sealed reports whether b was sealed.
func Sealed(b []byte) bool { return len(b) > 0 && b[0] == Marker }

// Open appends what was sealed to dst, and what was not as it is.
func (k *Keyring) Open(dst, sealed, about []byte) ([]byte, error) {
	if !Sealed(sealed) {
		return append(dst, sealed...), nil
	}
	number, n := binary.Uvarint(sealed[1:])
	if n <= 0 || len(sealed) < 1+n+nonceBytes+tagBytes {
		return dst, fmt.Errorf("sealed data is cut off: %w", store.ErrNotSealed)
	}
	key, err := k.find(number)
	if err != nil {
		return dst, err
	}
	rest := sealed[1+n:]
	out, err := key.aead.Open(dst, rest[:nonceBytes], rest[nonceBytes:], about)
	if err != nil {
		return dst, fmt.Errorf("sealed data was changed, or is not of this place (data key %d)", number)
	}
	return out, nil
}

// find is the data key with a number, which another node may have made.
func (k *Keyring) find(number uint64) (*dataKey, error) {
	if key := k.keys.Load().known[number]; key != nil {
		return key, nil
	}
	k.changing.Lock()
	defer k.changing.Unlock()
	if key := k.keys.Load().known[number]; key != nil {
		return key, nil
	}
	last := uint64(0)
	for n := range k.keys.Load().known {
		last = max(last, n)
	}
	absent := fmt.Errorf("data key %d is not there: %w", number, store.ErrNotSealed)
	if k.reload == nil || number == 0 || number > last+ahead || time.Since(k.missing[number]) < forgetMissing {
		return nil, absent
	}
	ctx, cancel := context.WithTimeout(context.Background(), reloadLimit)
	defer cancel()
	all, err := k.reload(ctx)
	if err == nil {
		err = k.load(ctx, all)
	}
	if err != nil {
		return nil, fmt.Errorf("look for data key %d: %w", number, err)
	}
	if key := k.keys.Load().known[number]; key != nil {
		return key, nil
	}
	k.missing[number] = time.Now()
	return nil, absent
}
