// Package numbering knows telephone numbers, countries and what may be sent
// from where: E.164 parsing, the countries that are served and what each
// supports, the simulator's numbers, the throughput of each kind of origination
// identity and the rules of sender ids.
//
// All facts are tables beside the code, embedded in the binary:
//
//   - countries.csv: the countries that messages can be sent to (guide chapter
//     7, "Supported countries and regions (SMS channel)"). Against the guide,
//     Jersey's code is 44-1534 and American Samoa, which the guide only
//     mentions with the numbers of the United States, has a row.
//   - simulator.csv: destination simulator numbers (guide chapter 3).
//   - calling_codes.csv and prefixes.csv: the numbering plan of the world,
//     derived from libphonenumber's metadata (Apache-2.0) by the program in gen.
//
// # Parsing
//
// A destination is parsed for every message and destinations rarely repeat, so
// there is no cache: one walk down a trie of digits gives the calling code, its
// possible lengths and the country, in well under a microsecond. The rule is
// libphonenumber's "possible", not its "valid": a number has a known calling
// code and a possible length. Ranges that no operator assigned, such as those
// reserved for fiction, therefore parse, and the country is that of the longest
// known prefix.
//
// The package is pure.
package numbering

//go:generate go run ./gen
