package store

import "errors"

// Sealer encrypts what must not be readable in the files of the database: texts of
// messages, codes, secrets. It may be used by several goroutines at once.
type Sealer interface {
	// Seal appends plain to dst, encrypted and authenticated. about ties it to its
	// place: Open needs the same, so that it cannot be put in another's.
	Seal(dst, plain, about []byte) []byte
	// Open appends what Seal got to dst. What was never sealed, from before there was
	// encryption, is given back as it is; what was, and was changed or is another's,
	// is an error. ErrNotSealed is answered for what has the marker and cannot have been
	// sealed.
	Open(dst, sealed, about []byte) ([]byte, error)
}

// SealMarker is the first octet of everything sealed. No record and no UTF-8 text
// begins with it; digests may.
const SealMarker = 0xFF

// ErrNotSealed is a Sealer's for data that is too short to be sealed, or that names a
// key which there is not.
var ErrNotSealed = errors.New("it was not sealed with any key that there is")
