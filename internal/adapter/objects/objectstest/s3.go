// Package objectstest is an in-memory S3, as far as objects have versions, uploads, locks and tags, and the
// suite that it and others that stand for S3 are held to.
package objectstest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

const (
	keyMax  = 1024 // bytes
	pageMax = 1000
)

// S3 is the fake: buckets with versioning, in memory. It answers as the SDK does, which can't send or read all that
// S3 could. Now is required.
type S3 struct {
	Now func() time.Time

	// Page is how many entries a listing's page has, if the caller wants more; 0: as many as S3 gives.
	Page int
	// Fault is asked before each call of an operation, by its name. An error is what the caller gets;
	// applied means that the call takes effect all the same: done, but the reply was lost.
	Fault func(operation string) (applied bool, err error)
	// Cut says after how many bytes the body of an answer breaks off; one that is longer than that, or negative,
	// doesn't.
	Cut func(key string, span string) int64
	// Keep says by which code a version is kept from being deleted, as by InternalError; "" does not.
	Keep func(key string) string

	mu      sync.Mutex
	drawn   int
	buckets map[string]*bucket
}

type bucket struct {
	locked  bool
	keys    map[string][]*version // the newest first
	uploads []*upload
	age     map[string]int // of every version there ever was, by its id: the higher the newer
}

// version is a version of an object, or a delete marker.
type version struct {
	id       string
	modified time.Time
	marker   bool

	content     []byte
	etag        string
	checksum    string // as S3 writes it
	contentType string
	metadata    map[string]string
	kmsKey      string
	tags        []types.Tag
	until       time.Time // of its retention; zero without
}

// Add makes a bucket, with versioning, and with Object Lock if it is locked.
func (f *S3) Add(name string, locked bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.buckets == nil {
		f.buckets = map[string]*bucket{}
	}
	f.buckets[name] = &bucket{locked: locked, keys: map[string][]*version{}, age: map[string]int{}}
}

// Corrupt flips a bit of a version's content, behind the back of its checksum.
func (f *S3) Corrupt(bucket, key, id string, at int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, v := range f.buckets[bucket].keys[key] {
		if v.id == id {
			v.content = slices.Clone(v.content)
			v.content[at] ^= 1
		}
	}
}

// call does an operation on a bucket, or not, as Fault has it.
func call[Out any](ctx context.Context, f *S3, operation string, name *string, do func(*bucket) (*Out, error)) (*Out, error) {
	if err := ctx.Err(); err != nil {
		return nil, &smithy.CanceledError{Err: err}
	}
	var fault error
	if f.Fault != nil {
		var applied bool
		if applied, fault = f.Fault(operation); fault != nil && !applied {
			return nil, fault
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.buckets[aws.ToString(name)]
	if b == nil {
		if operation == "HeadObject" { // which has no body to say more
			return nil, refuse("NotFound", "Not Found")
		}
		return nil, refuse("NoSuchBucket", "The specified bucket does not exist")
	}
	out, err := do(b)
	if fault != nil {
		return nil, fault
	}
	return out, err
}

// draw makes an id that says nothing, not even which came first.
func (f *S3) draw(what string) string {
	f.drawn++
	sum := sha256.Sum256(fmt.Append(nil, what, f.drawn))
	return hex.EncodeToString(sum[:16])
}

// second is now as S3 tells it.
func (f *S3) second() time.Time { return f.Now().UTC().Truncate(time.Second) }

// add makes a version the current one.
func (f *S3) add(b *bucket, key string, v *version) {
	v.id, v.modified = f.draw("version"), f.second()
	b.age[v.id] = f.drawn
	b.keys[key] = append([]*version{v}, b.keys[key]...)
}

// current is what a key is now; nil if it is nothing, or hidden.
func (b *bucket) current(key string) *version {
	if all := b.keys[key]; len(all) > 0 && !all[0].marker {
		return all[0]
	}
	return nil
}

// find is the version that a request names, or the current one.
func (b *bucket) find(key, id *string) (*version, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if id == nil {
		if v := b.current(*key); v != nil {
			return v, nil
		}
		return nil, refuse("NoSuchKey", "The specified key does not exist.")
	}
	if _, ever := b.age[*id]; !ever && len(*id) != 32 {
		return nil, refuse("InvalidArgument", "Invalid version id specified")
	}
	for _, v := range b.keys[*key] {
		if v.id != *id {
			continue
		}
		if v.marker {
			return nil, refuse("MethodNotAllowed", "The specified method is not allowed against this resource.")
		}
		return v, nil
	}
	return nil, refuse("NoSuchVersion", "The specified version does not exist.")
}

// isFree is If-None-Match: only where there is none.
func (b *bucket) isFree(key string, noneMatch *string) error {
	switch {
	case noneMatch == nil:
		return nil
	case *noneMatch != "*":
		return refuse("NotImplemented", "A header you provided implies functionality that is not implemented")
	case b.current(key) != nil:
		return refuse("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	}
	return nil
}

// checkKey refuses what the SDK does not send, and what S3 does not take.
func checkKey(key *string) error {
	switch {
	case aws.ToString(key) == "":
		return &smithy.SerializationError{Err: fmt.Errorf("input member Key must not be empty")}
	case len(*key) > keyMax:
		return refuse("KeyTooLongError", "Your key is too long")
	case !utf8.ValidString(*key):
		return refuse("InvalidURI", "Couldn't parse the specified URI.")
	}
	return nil
}

// xml is a text as the SDK sends it in a document: what XML can't hold becomes U+FFFD.
func xml(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r > 0xD7FF && r < 0xE000 || r == 0xFFFE || r == 0xFFFF {
			return utf8.RuneError
		}
		return r
	}, text)
}

func refuse(code, message string) error {
	return &smithy.GenericAPIError{Code: code, Message: message}
}

// encryption is what a request says of it.
func encryption(sse types.ServerSideEncryption, key *string) (string, error) {
	if sse == types.ServerSideEncryptionAwsKms {
		return aws.ToString(key), nil
	}
	if key != nil {
		return "", refuse("InvalidArgument", "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms")
	}
	return "", nil
}

func (v *version) encrypted() (types.ServerSideEncryption, *string) {
	if v.kmsKey == "" {
		return types.ServerSideEncryptionAes256, nil
	}
	return types.ServerSideEncryptionAwsKms, &v.kmsKey
}

// lowered is user metadata as S3 keeps it: names in small letters.
func lowered(metadata map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range metadata {
		out[strings.ToLower(name)] = value
	}
	return out
}

var _ API = (*S3)(nil)

// page is how many entries a page has at most.
func (f *S3) page(wanted *int32) int {
	most := pageMax
	if wanted != nil {
		most = min(most, int(*wanted))
	}
	if f.Page > 0 {
		most = min(most, f.Page)
	}
	return most
}

// lock is the mode and the end of a version that is kept until a time.
func (v *version) lock() (types.ObjectLockMode, *time.Time) {
	if v.until.IsZero() {
		return "", nil
	}
	return types.ObjectLockModeGovernance, &v.until
}
