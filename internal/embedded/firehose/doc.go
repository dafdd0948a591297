// Package firehose is the embedded Amazon Data Firehose: delivery streams that gather
// records and put them as files of one record a line, gzip-compressed unless the stream
// says otherwise, into a folder or an S3-compatible bucket (guide, "Amazon Data
// Firehose event destinations").
//
// A record is in a file on disk, with fsync, before it is answered for. A stream's file
// is closed when it is as large as the stream's buffer or when its first record is as
// old as the buffer's interval; then it is delivered under a name made of its own, so
// that a delivery that is tried again replaces itself. What is not delivered yet when
// the process ends is delivered after the next start. A record that was taken once comes
// once; a sender that was not answered, or that lost the answer in a crash, may send it
// again. A stream whose target fails pauses, and no other.
//
// Each node has buffers of its own, and with a folder as target a folder of its own. A
// buffer has its stream's definition beside its files, and so each node delivers what it
// holds of a stream that was deleted; what is not delivered a day later is dropped.
package firehose
