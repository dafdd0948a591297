// Package encode turns a message's text into message parts and parts into
// octets. It holds the one segmenter of the project: the preview, the price
// and the wire all take their parts from Split, so what a sender is shown is
// what is billed and what is submitted.
//
// Two encodings exist. GSM is the default alphabet of 3GPP TS 23.038 section
// 6.2.1 with the extension table of section 6.2.1.1; Unicode is UCS-2, sent as
// UTF-16 in big-endian order. GSM is chosen whenever the whole text can be
// written in it, because it is never longer than Unicode.
//
// Lengths are counted in septets for GSM and in UTF-16 code units for Unicode.
// A single part carries 140 octets: 160 septets or 70 units. A part of a longer
// message gives six octets to the concatenation header (TS 23.040 section
// 9.2.3.24.1), which leaves 153 septets or 67 units. See Options for routes
// whose header is one octet longer.
//
// # The bill and the wire
//
// A message is cut once, when it is accepted, and its parts are stored. Carriers
// encode those parts and never cut again. A carrier whose data_coding 0 is
// Latin-1 or ASCII leaves the conversion to seven bits to the far side, so the
// limits are the same there, but fewer characters can be carried. The route is
// known when the message is cut: Options.Alphabet makes Split choose Unicode,
// and bill it, for a text that the route's alphabet lacks. Where a part is
// later taken to another carrier with a poorer alphabet, AppendPayload still
// sends it as Unicode if it fits into one part and refuses otherwise. Nothing
// is ever substituted or dropped.
//
// The package is pure: no state, no clock and no import from the project.
package encode
