package s3

import (
	"context"
	"net/http"
	"strconv"

	"headroom/internal/local/endpoint"
)

// Settings are what a bucket is like.
type Settings struct {
	Versioning   string  // "" (never), "Enabled" or "Suspended"
	ObjectLock   bool    // versions can be locked; implies versioning
	Retention    Default // of new versions
	KMSKey       string  // ARN of the key that objects are encrypted with; "" for S3's own keys
	BucketKey    bool    // calls of KMS are saved by a key for the bucket
	Lifecycle    Lifecycle
	PublicAccess BlockPublic // S3 blocks all of it where nothing is said
	Tags         map[string]string
}

// Default is the retention of versions that come with none of their own; its zero value is none.
type Default struct {
	Mode        string // "GOVERNANCE" or "COMPLIANCE"
	Days, Years int    // one of them
}

// BlockPublic are the four switches of a bucket's block of public access.
type BlockPublic struct{ Acls, Policy, IgnoreAcls, RestrictBuckets bool }

// complete checks the settings, and adds what follows from them.
func (s *Settings) complete() error {
	switch s.Versioning {
	case "", versioningEnabled, versioningSuspended:
	default:
		return errMalformedXML
	}
	if s.ObjectLock {
		if s.Versioning == versioningSuspended {
			return errNotWithLock
		}
		s.Versioning = versioningEnabled
	}
	if r := s.Retention; r != (Default{}) {
		switch {
		case !s.ObjectLock:
			return refusal("InvalidRequest", "Bucket is missing Object Lock Configuration", http.StatusBadRequest)
		case r.Mode != governance && r.Mode != compliance, (r.Days > 0) == (r.Years > 0), r.Days < 0, r.Years < 0:
			return errMalformedXML
		}
	}
	if err := s.Lifecycle.check(); err != nil {
		return err
	}
	return CheckTags(s.Tags)
}

const (
	versioningEnabled   = "Enabled"
	versioningSuspended = "Suspended"
)

var errNotWithLock = refusal("InvalidBucketState", "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.", http.StatusConflict)

func (s *S3) getVersioning(_ context.Context, call endpoint.Call) (any, error) {
	return s.in(call, func(b *bucket) (any, error) {
		const root = "VersioningConfiguration"
		d := newDocument(root)
		d.optional("Status", b.settings.Versioning)
		return d.answer(root), nil
	})
}

func (s *S3) putVersioning(_ context.Context, call endpoint.Call) (any, error) {
	var wanted struct{ Status string }
	if err := readXML(call.Body, &wanted); err != nil {
		return nil, err
	}
	return s.in(call, func(b *bucket) (any, error) {
		if wanted.Status != versioningEnabled && wanted.Status != versioningSuspended {
			return nil, errMalformedXML
		}
		if b.settings.ObjectLock && wanted.Status != versioningEnabled {
			return nil, errNotWithLock
		}
		b.settings.Versioning = wanted.Status
		return empty(http.StatusOK, nil), nil
	})
}

func (s *S3) getLockConfiguration(_ context.Context, call endpoint.Call) (any, error) {
	return s.in(call, func(b *bucket) (any, error) {
		if !b.settings.ObjectLock {
			return nil, refusal("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket", http.StatusNotFound)
		}
		const root = "ObjectLockConfiguration"
		d := newDocument(root)
		d.element("ObjectLockEnabled", "Enabled")
		if r := b.settings.Retention; r.Mode != "" {
			d.open("Rule")
			d.open("DefaultRetention")
			d.element("Mode", r.Mode)
			if r.Days > 0 {
				d.number("Days", int64(r.Days))
			} else {
				d.number("Years", int64(r.Years))
			}
			d.close("DefaultRetention")
			d.close("Rule")
		}
		return d.answer(root), nil
	})
}

func (s *S3) getEncryption(_ context.Context, call endpoint.Call) (any, error) {
	return s.in(call, func(b *bucket) (any, error) {
		const root = "ServerSideEncryptionConfiguration"
		d := newDocument(root)
		d.open("Rule")
		d.open("ApplyServerSideEncryptionByDefault")
		if b.settings.KMSKey != "" {
			d.element("SSEAlgorithm", "aws:kms")
			d.element("KMSMasterKeyID", b.settings.KMSKey)
		} else {
			d.element("SSEAlgorithm", "AES256")
		}
		d.close("ApplyServerSideEncryptionByDefault")
		d.element("BucketKeyEnabled", strconv.FormatBool(b.settings.BucketKey))
		d.close("Rule")
		return d.answer(root), nil
	})
}

func (s *S3) getLocation(_ context.Context, call endpoint.Call) (any, error) {
	return s.in(call, func(*bucket) (any, error) {
		d := newDocument("LocationConstraint")
		if s.cfg.Region != "us-east-1" { // whose buckets have an empty one
			d.WriteString(s.cfg.Region)
		}
		return d.answer("LocationConstraint"), nil
	})
}

func (s *S3) getPublicAccess(_ context.Context, call endpoint.Call) (any, error) {
	return s.in(call, func(b *bucket) (any, error) {
		const root = "PublicAccessBlockConfiguration"
		p, d := b.settings.PublicAccess, newDocument(root)
		d.element("BlockPublicAcls", strconv.FormatBool(p.Acls))
		d.element("IgnorePublicAcls", strconv.FormatBool(p.IgnoreAcls))
		d.element("BlockPublicPolicy", strconv.FormatBool(p.Policy))
		d.element("RestrictPublicBuckets", strconv.FormatBool(p.RestrictBuckets))
		return d.answer(root), nil
	})
}
