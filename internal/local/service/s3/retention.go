package s3

import (
	"context"
	"net/http"
	"time"

	"headroom/internal/local/endpoint"
)

// retention keeps a version from being deleted; its zero value doesn't.
type retention struct {
	mode  string
	until time.Time
}

// Modes of retention. Governance can be gone past by whoever may, compliance by nobody.
const (
	governance = "GOVERNANCE"
	compliance = "COMPLIANCE"
)

const (
	lockMode   = "X-Amz-Object-Lock-Mode"
	lockUntil  = "X-Amz-Object-Lock-Retain-Until-Date"
	lockBypass = "X-Amz-Bypass-Governance-Retention"
)

func (r retention) set(header http.Header) {
	if r.mode != "" {
		header.Set(lockMode, r.mode)
		header.Set(lockUntil, timestamp(r.until))
	}
}

var errNoLock = refusal("InvalidRequest", "Bucket is missing Object Lock Configuration", http.StatusBadRequest)

// retentionOf is the retention that a new version gets: by its headers, or the bucket's default.
func (b *bucket) retentionOf(header http.Header, now time.Time) (retention, error) {
	mode, until := header.Get(lockMode), header.Get(lockUntil)
	if header.Get("X-Amz-Object-Lock-Legal-Hold") != "" {
		return retention{}, errNotImplemented
	}
	if mode == "" && until == "" {
		d := b.settings.Retention
		if d.Mode == "" {
			return retention{}, nil
		}
		return retention{d.Mode, now.AddDate(d.Years, 0, d.Days)}, nil
	}
	if !b.settings.ObjectLock {
		return retention{}, errNoLock
	}
	if mode == "" || until == "" {
		return retention{}, invalid("x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied")
	}
	return readRetention(mode, until, now)
}

func readRetention(mode, until string, now time.Time) (retention, error) {
	if mode != governance && mode != compliance {
		return retention{}, invalid("Unknown wormMode directive.")
	}
	t, err := time.Parse(time.RFC3339, until)
	if err != nil {
		return retention{}, invalid("The retain until date must be provided in ISO 8601 format")
	}
	if !t.After(now) {
		return retention{}, invalid("The retain until date must be in the future!")
	}
	return retention{mode, t}, nil
}

// mayUnlock refuses to delete a version, or to loosen its retention, while that lasts.
func (s *S3) mayUnlock(b *bucket, v *version, call endpoint.Call) error {
	if v.retention.mode == "" || !v.retention.until.After(s.cfg.Now()) {
		return nil
	}
	if v.retention.mode == compliance || call.Request.Header.Get(lockBypass) != "true" {
		return errLocked
	}
	return s.may(call, "s3:BypassGovernanceRetention", b.arn(v.key))
}

func (s *S3) getRetention(_ context.Context, call endpoint.Call) (any, error) {
	return s.in(call, func(b *bucket) (any, error) {
		if !b.settings.ObjectLock {
			return nil, errNoLock
		}
		v, err := s.find(b, call)
		if err != nil {
			return nil, err
		}
		if v.retention.mode == "" {
			return nil, refusal("NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration", http.StatusNotFound)
		}
		d := newDocument("Retention")
		d.element("Mode", v.retention.mode)
		d.time("RetainUntilDate", v.retention.until)
		return d.answer("Retention"), nil
	})
}

func (s *S3) putRetention(_ context.Context, call endpoint.Call) (any, error) {
	var wanted struct{ Mode, RetainUntilDate string }
	if err := readXML(call.Body, &wanted); err != nil {
		return nil, err
	}
	if (wanted.Mode == "") != (wanted.RetainUntilDate == "") {
		return nil, errMalformedXML
	}
	return s.in(call, func(b *bucket) (any, error) {
		if !b.settings.ObjectLock {
			return nil, errNoLock
		}
		v, err := s.find(b, call)
		if err != nil {
			return nil, err
		}
		next := retention{}
		if wanted.Mode != "" {
			if next, err = readRetention(wanted.Mode, wanted.RetainUntilDate, s.cfg.Now()); err != nil {
				return nil, err
			}
		}
		if v.retention.loosenedBy(next) {
			if err := s.mayUnlock(b, v, call); err != nil {
				return nil, err
			}
		}
		v.retention = next
		return empty(http.StatusOK, nil), nil
	})
}

// loosenedBy reports whether a version could be deleted sooner, or by more.
func (r retention) loosenedBy(next retention) bool {
	return next.until.Before(r.until) || r.mode == compliance && next.mode != compliance
}
