package s3

import (
	"bufio"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"

	"headroom/internal/local/endpoint"
)

// maxBody is what one PutObject or UploadPart may bring.
const maxBody = 5 << 30

// received is what a body came to.
type received struct {
	blob     blob
	etag     string
	checksum checksum
}

// receive writes the body of a call to a file in dir, and checks it against all that its headers and trailer
// say of it. Nothing is left of one that is broken off or wrong. The ETag is the MD5, as S3 has it where its
// own keys encrypt, and else just a text. The checksum is the one that the request has; without one it is
// the wanted one, or CRC64NVME.
func receive(req *http.Request, dir string, md5Tag bool, wanted algorithm) (received, error) {
	header := req.Header
	size, err := declaredSize(req)
	if err != nil {
		return received{}, err
	}
	a, value, err := declared(header)
	if err != nil {
		return received{}, err
	}
	if a == "" {
		if a = wanted; a == "" {
			a = crc64NVME
		}
	}
	sums := sums{sum: a.new()}
	if header.Get("Content-Md5") != "" || md5Tag {
		sums.md5 = md5.New()
	}
	payload := header.Get("X-Amz-Content-Sha256")
	if len(payload) == 2*sha256.Size {
		sums.payload = sha256.New()
	}
	var from io.Reader = req.Body
	chunks := &chunked{trailer: http.Header{}}
	if strings.HasPrefix(payload, "STREAMING-") {
		chunks.from = bufio.NewReaderSize(req.Body, block)
		from = chunks
	}
	written, err := writeSegment(dir, io.TeeReader(from, sums))
	if err != nil {
		return received{}, fmt.Errorf("receive an object: %w", err)
	}
	if trailed := chunks.trailer.Get(a.header()); trailed != "" {
		value = trailed
	}
	etag, sum, err := sums.check(header, a, value)
	if written.size != size {
		err = refusal("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header", 0)
	}
	if err != nil {
		blob{written}.remove()
		return received{}, err
	}
	if !md5Tag {
		etag = randomTag()
	}
	got := received{etag: etag, checksum: checksum{algorithm: a, value: sum}}
	if written.size == 0 {
		blob{written}.remove()
		return got, nil
	}
	got.blob = blob{written}
	return got, nil
}

// declaredSize is how long the object is to be.
func declaredSize(req *http.Request) (int64, error) {
	size := req.ContentLength
	if decoded := req.Header.Get("X-Amz-Decoded-Content-Length"); decoded != "" {
		n, err := strconv.ParseInt(decoded, 10, 64)
		if err != nil || n < 0 {
			return 0, invalid("x-amz-decoded-content-length is no number of bytes")
		}
		size = n
	}
	if size < 0 {
		return 0, refusal("MissingContentLength", "You must provide the Content-Length HTTP header.", http.StatusLengthRequired)
	}
	if size > maxBody {
		return 0, errTooLarge
	}
	return size, nil
}

// sums are made while a body passes; those that are nil are not wanted.
type sums struct{ sum, md5, payload hash.Hash }

func (s sums) Write(p []byte) (int, error) {
	for _, h := range []hash.Hash{s.sum, s.md5, s.payload} {
		if h != nil {
			_, _ = h.Write(p) // never fails
		}
	}
	return len(p), nil
}

// check compares what passed with what was said of it. value is the checksum that was given, if there was one.
func (s sums) check(header http.Header, a algorithm, value string) (etag, sum string, err error) {
	sum = base64.StdEncoding.EncodeToString(s.sum.Sum(nil))
	if s.payload != nil && hex.EncodeToString(s.payload.Sum(nil)) != header.Get("X-Amz-Content-Sha256") {
		return "", "", refusal("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.", 0)
	}
	if s.md5 != nil {
		etag = hex.EncodeToString(s.md5.Sum(nil))
		if given := header.Get("Content-Md5"); given != "" {
			decoded, err := base64.StdEncoding.DecodeString(given)
			if err != nil || len(decoded) != md5.Size {
				return "", "", refusal("InvalidDigest", "The Content-MD5 you specified was invalid.", 0)
			}
			if hex.EncodeToString(decoded) != etag {
				return "", "", refusal("BadDigest", "The Content-MD5 you specified did not match what we received.", 0)
			}
		}
	}
	if value != "" && value != sum {
		return "", "", badChecksum(a)
	}
	return etag, sum, nil
}

func badChecksum(a algorithm) error {
	return refusal("BadDigest", fmt.Sprintf("The %s you specified did not match the calculated checksum.", a), 0)
}

// withoutChunked takes aws-chunked out of a Content-Encoding: it is how the body is sent, not what it is.
func withoutChunked(encoding string) string {
	var kept []string
	for part := range strings.SplitSeq(encoding, ",") {
		if part = strings.TrimSpace(part); part != "" && part != "aws-chunked" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ",")
}

// chunked reads a body that is sent in pieces, each with its length and perhaps a signature before it, and
// after the last one with trailing headers ("Signature calculations for the Authorization header:
// transferring payload in multiple chunks" in S3's API reference).
type chunked struct {
	from    *bufio.Reader
	left    int64 // of the piece
	begun   bool
	ended   bool
	trailer http.Header
}

var errChunk error = &endpoint.Error{Code: "InvalidChunkSizeError", Message: "Chunk size is not valid"}

func (c *chunked) Read(p []byte) (int, error) {
	if c.left == 0 && !c.ended {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	if c.ended {
		return 0, io.EOF
	}
	n, err := c.from.Read(p[:min(int64(len(p)), c.left)])
	if c.left -= int64(n); err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next reads what stands before a piece, and after the last one all that is left.
func (c *chunked) next() error {
	if c.begun {
		if line, err := c.line(); err != nil || line != "" {
			return errChunk
		}
	}
	c.begun = true
	line, err := c.line()
	if err != nil {
		return err
	}
	length, _, _ := strings.Cut(line, ";")
	if c.left, err = strconv.ParseInt(length, 16, 64); err != nil || c.left < 0 {
		return errChunk
	}
	if c.left > 0 {
		return nil
	}
	c.ended = true
	for {
		line, err := c.line()
		name, value, _ := strings.Cut(line, ":")
		if name != "" {
			c.trailer.Set(strings.TrimSpace(name), strings.TrimSpace(value))
		}
		if err != nil || line == "" {
			return nil // some end without the empty line
		}
	}
}

// line reads one, without what ends it. Lines are short: the reader's buffer bounds them.
func (c *chunked) line() (string, error) {
	line, err := c.from.ReadSlice('\n')
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return strings.TrimRight(string(line), "\r\n"), err
}
