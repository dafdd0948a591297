package store

import (
	"encoding/binary"

	"heliograph/internal/sms"
)

// packedMessages are records of messages in blocks, the oldest of which is dropped
// when there are too many. What a block holds is never written again, so a record
// may be read by who has let go of the lock.
type packedMessages struct {
	encode func([]byte, *sms.Message) []byte
	decode func(sms.ID, []byte) (*sms.Message, error)

	size   int               // octets of a block
	blocks [][]byte          // the oldest first; the last one is written
	first  uint32            // number of the oldest block
	index  map[sms.ID]uint64 // number of the block and offset in it, 32 bits each
	record []byte            // scratch
}

// packedBlocks is how many blocks there are at most.
const packedBlocks = 16

// A record in a block follows its message's ID and its own length.
const packedHead = 8 + 4

func newPackedMessages(size int, encode func([]byte, *sms.Message) []byte, decode func(sms.ID, []byte) (*sms.Message, error)) *packedMessages {
	return &packedMessages{encode: encode, decode: decode, size: max(size/packedBlocks, 1), index: map[sms.ID]uint64{}}
}

// add packs a message that is not packed yet. One that needs more than a block is
// left out.
func (p *packedMessages) add(m *sms.Message) {
	if _, there := p.index[m.ID]; there {
		return
	}
	b := binary.LittleEndian.AppendUint64(p.record[:0], uint64(m.ID))
	b = p.encode(append(b, 0, 0, 0, 0), m)
	p.record = b[:0]
	if len(b) > p.size {
		return
	}
	binary.LittleEndian.PutUint32(b[8:], uint32(len(b)-packedHead))
	last := len(p.blocks) - 1
	if last < 0 || len(p.blocks[last])+len(b) > p.size {
		if len(p.blocks) == packedBlocks {
			p.drop()
		}
		p.blocks = append(p.blocks, make([]byte, 0, p.size))
		last = len(p.blocks) - 1
	}
	p.index[m.ID] = uint64(p.first+uint32(last))<<32 | uint64(len(p.blocks[last]))
	p.blocks[last] = append(p.blocks[last], b...)
}

// drop forgets the oldest block.
func (p *packedMessages) drop() {
	for b := p.blocks[0]; len(b) > 0; {
		delete(p.index, sms.ID(binary.LittleEndian.Uint64(b)))
		b = b[packedHead+binary.LittleEndian.Uint32(b[8:]):]
	}
	copy(p.blocks, p.blocks[1:])
	p.blocks[packedBlocks-1] = nil
	p.blocks = p.blocks[:packedBlocks-1]
	p.first++
}

// find is the record of a message, nil for none.
func (p *packedMessages) find(id sms.ID) []byte {
	at, there := p.index[id]
	if !there {
		return nil
	}
	b := p.blocks[uint32(at>>32)-p.first][uint32(at):]
	end := packedHead + binary.LittleEndian.Uint32(b[8:])
	return b[packedHead:end:end]
}
