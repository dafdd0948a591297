// Package seal encrypts what must not be readable in the files of an installation:
// texts of messages, codes, secrets.
//
// Data is encrypted with AES-256-GCM (NIST SP 800-38D) under a data key, with a random
// nonce of 96 bits. The data keys are kept with the installation's resources, each
// encrypted ("wrapped") by a master key, which is not kept with the data: it is derived
// from the keys file, read from a file or the environment, or held by a service with
// the API of AWS KMS. What is sealed is
//
//	0xFF, number of the data key (unsigned varint), nonce (12), ciphertext, tag (16)
//
// and tied by additional data to its place. No record and no UTF-8 text begins with
// 0xFF, so that what was written before there was encryption can be told from it; of
// digests, which may, those are told by key numbers that there are not and by their length.
//
// Nonces are random, so a data key is to seal at most 2^32 times; nodes take the seals in
// blocks that are counted with the key, and make a new key when they are used up. A node
// that can take none goes on with the key it has rather than lose what it is given.
package seal
