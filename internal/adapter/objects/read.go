package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/internal/pool"
)

// A span that breaks off is asked for again from where it broke off, up to so often. The pause before is up to
// firstPause, then doubles up to longestPause.
const (
	spanTries    = 5
	firstPause   = 200 * time.Millisecond
	longestPause = 5 * time.Second
)

// errOther means that what is read is not what was to be read.
var errOther = errors.New("it is another object than was listed")

// Open reads a version, of which a listing has told the size, from its first byte to its last; for
// pool.SizeUnknown S3 is asked first. It is read span by span, so that no request lasts for long and none that breaks off is the end: neither memory nor the time of one
// request bounds the size. What it is stored with is told by the first answer. pool.ErrNoObject when it is not there.
//
// The reader is bound to ctx, and has to be closed. It ends by io.EOF after as many bytes as there should be, and
// by another error before.
func (o *Objects) Open(ctx context.Context, ref pool.ObjectRef, size int64) (io.ReadCloser, pool.StoredObject, error) {
	if size == pool.SizeUnknown {
		found, err := o.Head(ctx, ref)
		if err != nil {
			return nil, pool.StoredObject{}, err
		}
		ref.Version, size = found.Version, found.Size
	}
	r := &reader{o: o, ctx: ctx, ref: ref, size: size}
	out, err := r.ask()
	if err != nil {
		return nil, pool.StoredObject{}, err
	}
	r.ref.Version = aws.ToString(out.VersionId) // what is current may change before the next span
	return r, pool.StoredObject{
		Version: r.ref.Version, Size: size, Modified: aws.ToTime(out.LastModified), Metadata: out.Metadata,
		Class: class(out.StorageClass), Until: aws.ToTime(out.ObjectLockRetainUntilDate),
	}, nil
}

// ReadAll reads a small object as a whole. One that has more than most bytes is an error.
func (o *Objects) ReadAll(ctx context.Context, ref pool.ObjectRef, most int64) ([]byte, pool.StoredObject, error) {
	found, err := o.Head(ctx, ref)
	if err != nil {
		return nil, pool.StoredObject{}, err
	}
	if found.Size > most {
		return nil, pool.StoredObject{}, fmt.Errorf("read %s: it has %d bytes, and %d are expected at most", name(ref), found.Size, most)
	}
	ref.Version = found.Version
	in, _, err := o.Open(ctx, ref, found.Size)
	if err != nil {
		return nil, pool.StoredObject{}, err
	}
	defer func() { _ = in.Close() }()
	content, err := io.ReadAll(in)
	if err != nil {
		return nil, pool.StoredObject{}, err
	}
	return content, found, nil
}

type reader struct {
	o      *Objects
	ctx    context.Context // io.Reader has none
	ref    pool.ObjectRef
	size   int64
	at     int64
	end    int64 // of the span
	body   io.ReadCloser
	broken int // how often the span has broken off
}

func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for r.at < r.size {
		if r.body == nil {
			if _, err := r.ask(); err != nil {
				return 0, err
			}
		}
		n, err := r.body.Read(p[:min(int64(len(p)), r.end-r.at)])
		r.at += int64(n)
		switch {
		case r.at == r.end:
			_ = r.Close()
			r.broken = 0
		case err != nil:
			_ = r.Close()
			if err := r.pause(err); err != nil {
				return n, err
			}
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, io.EOF
}

// Close ends the request that is under way.
func (r *reader) Close() error {
	if r.body == nil {
		return nil
	}
	body := r.body
	r.body = nil
	return body.Close()
}

// ask asks for what is left of a span.
func (r *reader) ask() (*s3.GetObjectOutput, error) {
	if r.at >= r.end {
		r.end = min(r.at+r.o.Span, r.size)
	}
	in := &s3.GetObjectInput{Bucket: &r.ref.Bucket, Key: &r.ref.Key, VersionId: version(r.ref)}
	if r.size > 0 { // of an empty object there is no range
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", r.at, r.end-1))
	}
	out, err := r.o.Client.GetObject(r.ctx, in, func(options *s3.Options) {
		options.DisableLogOutputChecksumValidationSkipped = true // a range has no checksum
	})
	if err != nil {
		return nil, fmt.Errorf("read %s at byte %d: %w", name(r.ref), r.at, missing(err))
	}
	r.body = out.Body
	if total(out) != r.size || aws.ToInt64(out.ContentLength) != r.end-r.at || r.ref.Version != "" && aws.ToString(out.VersionId) != r.ref.Version {
		_ = r.Close()
		return nil, fmt.Errorf("read %s at byte %d: %w: %d bytes of %d, and should have %d of %d",
			name(r.ref), r.at, errOther, aws.ToInt64(out.ContentLength), total(out), r.end-r.at, r.size)
	}
	if r.size == 0 {
		return out, r.Close()
	}
	return out, nil
}

// total is how long the whole object is: behind the slash of "bytes 0-9/100", where a part was asked for.
func total(out *s3.GetObjectOutput) int64 {
	_, after, ok := strings.Cut(aws.ToString(out.ContentRange), "/")
	if !ok {
		return aws.ToInt64(out.ContentLength)
	}
	n, err := strconv.ParseInt(after, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// pause waits before a span is asked for again, or returns why it is not.
func (r *reader) pause(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	r.broken++
	if r.broken >= spanTries || r.ctx.Err() != nil {
		return fmt.Errorf("read %s at byte %d: %w", name(r.ref), r.at, err)
	}
	limit := min(firstPause<<(r.broken-1), longestPause)
	if slept := r.o.Sleep(r.ctx, limit/2+time.Duration(r.o.Jitter()*float64(limit/2))); slept != nil {
		return fmt.Errorf("read %s at byte %d: %w", name(r.ref), r.at, errors.Join(err, slept))
	}
	return nil
}
