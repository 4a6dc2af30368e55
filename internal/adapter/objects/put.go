package objects

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"headroom/internal/pool"
)

// tagging is tags as a request has them: as a URL's query has its parameters.
func tagging(tags map[string]string) *string {
	query := url.Values{}
	for key, value := range tags {
		query.Set(key, value)
	}
	return given(query.Encode())
}

// Put stores a small object under a key that has none, with its retention from the first moment on. Put again with
// the same content it returns what is stored; pool.ErrOtherObject when the key has another content.
func (o *Objects) Put(ctx context.Context, spec pool.ObjectSpec, content []byte) (pool.StoredObject, error) {
	sum := sha256.Sum256(content)
	ref := pool.ObjectRef{Bucket: spec.Bucket, Key: spec.Key}
	in := &s3.PutObjectInput{
		Bucket: &spec.Bucket, Key: &spec.Key, Body: bytes.NewReader(content), ContentLength: aws.Int64(int64(len(content))),
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum[:])), ContentType: given(spec.ContentType), Metadata: spec.Metadata, Tagging: tagging(spec.Tags),
		ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: &spec.KMSKey, BucketKeyEnabled: aws.Bool(true),
		IfNoneMatch: aws.String("*"),
	}
	if !spec.Until.IsZero() {
		in.ObjectLockMode, in.ObjectLockRetainUntilDate = types.ObjectLockModeGovernance, &spec.Until
	}
	// Commit point: whichever call stores it has made it.
	out, err := o.Client.PutObject(ctx, in)
	if err == nil {
		return pool.StoredObject{
			Version: aws.ToString(out.VersionId), Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:]), Metadata: spec.Metadata,
			Class: class(""), Until: spec.Until,
		}, nil
	}
	err = fmt.Errorf("store %s: %w", name(ref), err)
	// It may be stored all the same: by this call, whose reply was lost, or by an earlier one.
	found, looked := o.Head(ctx, ref)
	switch {
	case looked != nil:
		return pool.StoredObject{}, err
	case found.SHA256 != hex.EncodeToString(sum[:]) || found.Size != int64(len(content)):
		return pool.StoredObject{}, fmt.Errorf("%w: %w", pool.ErrOtherObject, err)
	}
	if found.Until.Before(spec.Until) {
		ref.Version = found.Version
		if err := o.Retain(ctx, ref, spec.Until); err != nil {
			return pool.StoredObject{}, err
		}
		found.Until = spec.Until
	}
	return found, nil
}
