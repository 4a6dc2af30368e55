package objects

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"headroom/internal/pool"
)

// S3 takes 10,000 parts of 5 MiB to 5 GiB ("Multipart upload limits" in its user guide). What was expected fits
// into expectedParts of one size; should it be more, parts grow, doubling every growsAfter: all of them have room for
// nearly three times what was expected, and for 180 GiB at least.
const (
	partsMax      = 10_000
	partMin       = 8 << 20
	partMax       = 5 << 30
	expectedParts = 8_000
	growsAfter    = 500
)

// What ends an upload.
var (
	// ErrTooLarge means that an upload came to more than S3 takes in parts of its size.
	ErrTooLarge = errors.New("it is larger than was expected by far")
	errOver     = errors.New("the upload is over")
	errChecksum = errors.New("S3 has another checksum of it")
)

// An Upload is an object that is made of a stream, in parts, and is not there before Complete. It holds one part in
// memory, or two where one is sent while the next is filled: each is 8 MiB, or an 8,000th of what was expected.
// One that is neither completed nor aborted stays, and costs: whoever follows finds it by Objects.Uploads.
type Upload struct {
	o      *Objects
	ctx    context.Context // io.Writer has none
	spec   pool.ObjectSpec
	id     string
	expect int64

	fill   []byte       // the part that is filled
	spare  []byte       // what the part before was in
	under  chan arrival // of the part that is under way; nil without one
	parts  []types.CompletedPart
	sums   hash.Hash // of the parts' checksums
	whole  hash.Hash
	size   int64
	failed error
}

// arrival is what came of a part.
type arrival struct {
	etag *string
	err  error
}

// Upload begins an upload of some expected number of bytes. What it writes is sent under ctx. The object gets
// no retention: what fails on the way must not be locked.
func (o *Objects) Upload(ctx context.Context, spec pool.ObjectSpec, expect int64) (*Upload, error) {
	out, err := o.Client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &spec.Bucket, Key: &spec.Key, ContentType: given(spec.ContentType), Metadata: spec.Metadata, Tagging: tagging(spec.Tags),
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256, ChecksumType: types.ChecksumTypeComposite,
		ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: &spec.KMSKey, BucketKeyEnabled: aws.Bool(true),
	})
	u := &Upload{o: o, ctx: ctx, spec: spec, expect: expect, sums: sha256.New(), whole: sha256.New()}
	if err != nil {
		return nil, u.wrap("begin", err)
	}
	u.id = aws.ToString(out.UploadId)
	return u, nil
}

// partSize is how long a part is, but for the last one.
func partSize(number int, expect int64) int64 {
	size := max(partMin, (expect+expectedParts-1)/expectedParts)
	if number > expectedParts {
		size <<= (number-expectedParts-1)/growsAfter + 1
	}
	return min(size, partMax)
}

// Open names the upload while it is open.
func (u *Upload) Open() pool.OpenUpload { return pool.OpenUpload{Key: u.spec.Key, ID: u.id} }

// Size is how many bytes were written.
func (u *Upload) Size() int64 { return u.size }

// Write adds bytes. After an error nothing more is taken.
func (u *Upload) Write(p []byte) (int, error) {
	if u.failed != nil {
		return 0, u.failed
	}
	written := 0
	for len(p) > 0 {
		size := partSize(len(u.parts)+1, u.expect)
		if int64(len(u.fill)) == size {
			if u.failed = u.send(); u.failed != nil {
				return written, u.failed
			}
			continue
		}
		if int64(cap(u.fill)) < size {
			u.fill = make([]byte, 0, size)
		}
		n := min(int64(len(p)), size-int64(len(u.fill)))
		u.fill = append(u.fill, p[:n]...)
		u.whole.Write(p[:n])
		p, written, u.size = p[n:], written+int(n), u.size+n
	}
	return written, nil
}

// send sends the part that is filled, once the one before has arrived.
func (u *Upload) send() error {
	if err := u.arrived(); err != nil {
		return err
	}
	if len(u.parts) == partsMax {
		return u.wrap("continue", ErrTooLarge)
	}
	content, number := u.fill, int32(len(u.parts)+1)
	sum := sha256.Sum256(content)
	u.sums.Write(sum[:])
	checksum := base64.StdEncoding.EncodeToString(sum[:])
	u.parts = append(u.parts, types.CompletedPart{PartNumber: &number, ChecksumSHA256: &checksum})
	under := make(chan arrival, 1)
	u.o.Start(func() {
		out, err := u.o.Client.UploadPart(u.ctx, &s3.UploadPartInput{
			Bucket: &u.spec.Bucket, Key: &u.spec.Key, UploadId: &u.id, PartNumber: &number,
			Body: bytes.NewReader(content), ContentLength: aws.Int64(int64(len(content))), ChecksumSHA256: &checksum,
		})
		if err != nil {
			under <- arrival{err: err}
			return
		}
		under <- arrival{etag: out.ETag}
	})
	u.under = under
	if len(under) > 0 { // it has arrived
		u.fill = content[:0]
	} else {
		u.fill, u.spare = u.spare[:0], content
	}
	return nil
}

// arrived waits for the part that is under way.
func (u *Upload) arrived() error {
	if u.under == nil {
		return nil
	}
	part := <-u.under
	u.under = nil
	if part.err != nil {
		return u.wrap(fmt.Sprintf("send part %d of", len(u.parts)), part.err)
	}
	u.parts[len(u.parts)-1].ETag = part.etag
	return nil
}

// Complete makes the object, whose key must have none yet, and proves that S3 has the checksums of all that was written.
// An error leaves the upload open, or it is not known whether it is: Abort it.
func (u *Upload) Complete(ctx context.Context) (pool.StoredObject, error) {
	if u.failed != nil {
		return pool.StoredObject{}, u.failed
	}
	u.failed = u.wrap("continue", errOver)
	if len(u.fill) > 0 || len(u.parts) == 0 { // an upload has a part, be it an empty one
		if err := u.send(); err != nil {
			return pool.StoredObject{}, err
		}
	}
	if err := u.arrived(); err != nil {
		return pool.StoredObject{}, err
	}
	u.fill, u.spare = nil, nil
	want := base64.StdEncoding.EncodeToString(u.sums.Sum(nil)) + "-" + strconv.Itoa(len(u.parts))
	stored := pool.StoredObject{Size: u.size, SHA256: hex.EncodeToString(u.whole.Sum(nil)), Metadata: u.spec.Metadata, Class: class("")}
	// Commit point: from here on there is an object.
	out, err := u.o.Client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &u.spec.Bucket, Key: &u.spec.Key, UploadId: &u.id, IfNoneMatch: aws.String("*"),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: u.parts},
	})
	if err == nil && aws.ToString(out.ChecksumSHA256) != want {
		return pool.StoredObject{}, u.wrap("complete", errChecksum)
	}
	if err == nil {
		stored.Version = aws.ToString(out.VersionId)
		return stored, nil
	}
	// It may be complete all the same, when the reply was lost: sent again, it finds no upload, or the object.
	found, looked := u.o.head(ctx, pool.ObjectRef{Bucket: u.spec.Bucket, Key: u.spec.Key})
	if looked != nil || aws.ToString(found.ChecksumSHA256) != want || aws.ToInt64(found.ContentLength) != u.size {
		return pool.StoredObject{}, u.wrap("complete", err)
	}
	stored.Version = aws.ToString(found.VersionId)
	return stored, nil
}

// Abort ends the upload, and deletes what was sent. One that is complete is left as it is.
func (u *Upload) Abort(ctx context.Context) error {
	u.failed = u.wrap("continue", errOver)
	_ = u.arrived() // a part that arrives afterwards would be kept
	u.fill, u.spare = nil, nil
	return u.o.AbortUpload(ctx, u.spec.Bucket, u.Open())
}

func (u *Upload) wrap(what string, err error) error {
	return fmt.Errorf("%s the upload of %q to %s: %w", what, u.spec.Key, u.spec.Bucket, err)
}
