package s3

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"math/bits"
	"net/http"
	"slices"
	"strings"
)

// algorithm is a checksum that S3 knows.
type algorithm string

const (
	crc32IEEE algorithm = "CRC32"
	crc32C    algorithm = "CRC32C"
	crc64NVME algorithm = "CRC64NVME" // what S3 computes when it is told of none
	sha1Sum   algorithm = "SHA1"
	sha256Sum algorithm = "SHA256"
)

var algorithms = []algorithm{crc32IEEE, crc32C, crc64NVME, sha1Sum, sha256Sum}

// The CRCs' polynomials, the lowest power in the highest bit. NVME's is that of the NVM Express command set
// specification, section 5.2.1.3.4.
const nvme = 0x9a6c9329ac4bc9b5

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvmeTable  = crc64.MakeTable(nvme)
)

func (a algorithm) header() string {
	return "X-Amz-Checksum-" + string(a[0]) + strings.ToLower(string(a[1:]))
}

func (a algorithm) new() hash.Hash {
	switch a {
	case crc32IEEE:
		return crc32.NewIEEE()
	case crc32C:
		return crc32.New(castagnoli)
	case sha1Sum:
		return sha1.New()
	case sha256Sum:
		return sha256.New()
	default:
		return crc64.New(nvmeTable)
	}
}

// full reports whether the checksums of parts can be made into one of the whole.
func (a algorithm) full() bool { return strings.HasPrefix(string(a), "CRC") }

// checksum is a checksum of an object or a part.
type checksum struct {
	algorithm algorithm
	value     string // base64; of a composite one with "-" and the number of parts
	composite bool   // a checksum of the parts' checksums, not of the bytes
}

func (c checksum) kind() string {
	if c.composite {
		return "COMPOSITE"
	}
	return "FULL_OBJECT"
}

func (c checksum) set(header http.Header) {
	header.Set(c.algorithm.header(), c.value)
	header.Set("X-Amz-Checksum-Type", c.kind())
}

// declared is the checksum that a request's headers have, or say that its trailer will have.
func declared(header http.Header) (a algorithm, value string, err error) {
	for _, candidate := range algorithms {
		if v := header.Get(candidate.header()); v != "" {
			sum, err := base64.StdEncoding.DecodeString(v)
			whole, _, _ := strings.Cut(v, "-") // of the parts, where an upload is completed
			if err != nil && whole == v || err == nil && len(sum) != candidate.new().Size() {
				return "", "", invalidRequest("Value for %s header is invalid.", strings.ToLower(candidate.header()))
			}
			if a != "" {
				return "", "", invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
			}
			a, value = candidate, v
		}
		if strings.EqualFold(header.Get("X-Amz-Trailer"), candidate.header()) {
			a = candidate
		}
	}
	return a, value, nil
}

// algorithmNamed reads an algorithm's name; "" is none.
func algorithmNamed(name string) (algorithm, error) {
	a := algorithm(strings.ToUpper(name))
	if name == "" || slices.Contains(algorithms, a) {
		return a, nil
	}
	return "", invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
}

// joined is the checksum of two pieces one after the other, of which the second is so long.
func (a algorithm) joined(first, second []byte, length int64) []byte {
	switch a {
	case crc32IEEE:
		return binary.BigEndian.AppendUint32(nil, uint32(joinCRC(crc32.IEEE, 32, uint64(binary.BigEndian.Uint32(first)), uint64(binary.BigEndian.Uint32(second)), length)))
	case crc32C:
		return binary.BigEndian.AppendUint32(nil, uint32(joinCRC(crc32.Castagnoli, 32, uint64(binary.BigEndian.Uint32(first)), uint64(binary.BigEndian.Uint32(second)), length)))
	default:
		return binary.BigEndian.AppendUint64(nil, joinCRC(nvme, 64, binary.BigEndian.Uint64(first), binary.BigEndian.Uint64(second), length))
	}
}

// joinCRC shifts the first CRC by the second's length: it is multiplied with x to the power of the number of
// bits, modulo the polynomial. What CRCs begin and end with cancels out.
func joinCRC(polynomial uint64, width int, first, second uint64, length int64) uint64 {
	one := uint64(1) << (width - 1) // x to the power of 0 is the highest bit
	power, shift := one>>1, one     // x, and the product so far
	for n := uint64(length) * 8; n > 0; n >>= 1 {
		if n&1 == 1 {
			shift = multiply(polynomial, width, shift, power)
		}
		power = multiply(polynomial, width, power, power)
	}
	return multiply(polynomial, width, first, shift) ^ second
}

// multiply multiplies two polynomials over the field of two elements, modulo a third.
func multiply(polynomial uint64, width int, a, b uint64) uint64 {
	var product uint64
	for ; a != 0; a = a << 1 & (1<<width - 1) {
		if bits.Len64(a) == width {
			product ^= b
		}
		low := b & 1
		b >>= 1
		if low == 1 {
			b ^= polynomial
		}
	}
	return product
}
