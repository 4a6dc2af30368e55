package nfs

import "encoding/binary"

// encoder is what was written so far, as XDR (RFC 4506).
type encoder []byte

func (e *encoder) uint32(v uint32) { *e = binary.BigEndian.AppendUint32(*e, v) }
func (e *encoder) uint64(v uint64) { *e = binary.BigEndian.AppendUint64(*e, v) }

// fixed writes bytes whose number is known: a multiple of four.
func (e *encoder) fixed(v []byte) { *e = append(*e, v...) }

// opaque writes bytes, or a string, with their number.
func (e *encoder) opaque(v string) {
	e.uint32(uint32(len(v)))
	*e = append(*e, v...)
	*e = append(*e, make([]byte, padding(len(v)))...)
}

func padding(n int) int { return (4 - n%4) % 4 }

// decoder reads XDR. After what can't be read it reads nothing but zeros, and has an error.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fixed(n int) []byte {
	if d.err != nil || n < 0 || n > len(d.rest) {
		d.err, d.rest = errReply, nil
		return nil
	}
	v := d.rest[:n]
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) uint32() uint32 {
	if v := d.fixed(4); v != nil {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if v := d.fixed(8); v != nil {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

func (d *decoder) bool() bool { return d.uint32() != 0 }

func (d *decoder) opaque() []byte {
	n := int(d.uint32())
	v := d.fixed(n)
	d.fixed(padding(n))
	return v
}
