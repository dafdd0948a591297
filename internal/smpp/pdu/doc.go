// Package pdu encodes and decodes the protocol data units of SMPP 3.4 ("Short
// Message Peer to Peer Protocol Specification v3.4", issue 1.2), and reads what
// an SMPP 5.0 peer adds to them.
//
// Every command of SMPP 3.4 has a type; the three binds share [Bind] and
// [BindResp]. [Append] writes a PDU after what a buffer already holds, [Decode]
// reads one frame, and [Reader] cuts a stream into frames. A frame that cannot be
// decoded gives a [*DecodeError], which knows the PDU that has to be answered.
//
// Writing keeps to the sizes of the specification, with the exceptions named at
// the field table. Reading is generous: longer strings, missing bodies of refused
// responses and unknown optional parameters are all accepted, since peers send
// them.
package pdu
