package s3

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"headroom/internal/local/endpoint"
)

// Lifecycle is what is to become of objects in time. What deletes is not carried out here.
type Lifecycle struct {
	Rules []LifecycleRule
	// MinimumSize is "varies_by_storage_class", or "all_storage_classes_128K", which is the default.
	MinimumSize string
}

// LifecycleRule is one rule; a number of days that is 0 is not given.
type LifecycleRule struct {
	ID                    string
	Status                string // "Enabled" or "Disabled"
	Prefix                string
	Tags                  map[string]string // objects that bear all of them
	LargerThan            int64             // bytes
	SmallerThan           int64             // bytes
	Transitions           []Transition      // of current versions
	NoncurrentTransitions []Transition      // Days counts from when another version took its place
	ExpirationDays        int
	ExpireDeleteMarkers   bool // that are the last of their key
	NoncurrentDays        int  // after which versions that are not current are deleted
	AbortUploadsDays      int
}

// Transition moves objects to another storage class.
type Transition struct {
	Days         int
	StorageClass string
}

// atOnce are the classes that a transition may move to on the very day. The infrequent ones take 30 days.
var atOnce = []string{"GLACIER", "DEEP_ARCHIVE", "GLACIER_IR", "INTELLIGENT_TIERING"}

func (l Lifecycle) check() error {
	if l.MinimumSize != "" && l.MinimumSize != "varies_by_storage_class" && l.MinimumSize != "all_storage_classes_128K" {
		return invalid("Invalid transition default minimum object size: %s", l.MinimumSize)
	}
	if len(l.Rules) > 1000 {
		return errMalformedXML
	}
	var ids []string
	for _, rule := range l.Rules {
		if err := rule.check(); err != nil {
			return err
		}
		if rule.ID != "" && slices.Contains(ids, rule.ID) {
			return invalid("Rule ID must be unique. Found same ID for more than one rule")
		}
		ids = append(ids, rule.ID)
	}
	return nil
}

func (r LifecycleRule) check() error {
	if r.Status != "Enabled" && r.Status != "Disabled" {
		return errMalformedXML
	}
	if len(r.ID) > 255 {
		return invalid("ID length should not exceed allowed limit of 255")
	}
	if err := CheckTags(r.Tags); err != nil {
		return err
	}
	if len(r.Transitions)+len(r.NoncurrentTransitions) == 0 && r.ExpirationDays == 0 && !r.ExpireDeleteMarkers && r.NoncurrentDays == 0 && r.AbortUploadsDays == 0 {
		return invalidRequest("At least one action needs to be specified in a rule")
	}
	if min(r.ExpirationDays, r.NoncurrentDays, r.AbortUploadsDays) < 0 {
		return invalid("'Days' must be a positive integer")
	}
	if len(r.Tags) > 0 && r.AbortUploadsDays > 0 {
		return invalidRequest("AbortIncompleteMultipartUpload cannot be specified with Tags")
	}
	if len(r.Tags) > 0 && r.ExpireDeleteMarkers {
		return invalidRequest("ExpiredObjectDeleteMarker cannot be specified with Tags")
	}
	if r.ExpirationDays > 0 && r.ExpireDeleteMarkers {
		return errMalformedXML
	}
	for _, t := range slices.Concat(r.Transitions, r.NoncurrentTransitions) {
		switch {
		case slices.Contains(atOnce, t.StorageClass) && t.Days >= 0:
		case t.StorageClass != "STANDARD_IA" && t.StorageClass != "ONEZONE_IA":
			return errMalformedXML
		case t.Days < 30:
			return invalid("'Days' in Transition action must be greater than or equal to 30 for storageClass '%s'", t.StorageClass)
		}
	}
	for _, t := range r.Transitions {
		if r.ExpirationDays > 0 && r.ExpirationDays <= t.Days {
			return invalid("'Days' in the Expiration action for filter '(prefix=%s)' must be greater than 'Days' in the Transition action", r.Prefix)
		}
	}
	return nil
}

func (s *S3) getLifecycle(_ context.Context, call endpoint.Call) (any, error) {
	return s.in(call, func(b *bucket) (any, error) {
		l := b.settings.Lifecycle
		if len(l.Rules) == 0 {
			return nil, refusal("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", http.StatusNotFound)
		}
		const root = "LifecycleConfiguration"
		d := newDocument(root)
		for _, rule := range l.Rules {
			rule.write(d)
		}
		reply := d.answer(root)
		if l.MinimumSize == "" {
			l.MinimumSize = "all_storage_classes_128K"
		}
		reply.Header.Set("X-Amz-Transition-Default-Minimum-Object-Size", l.MinimumSize)
		return reply, nil
	})
}

func (r LifecycleRule) write(d *document) {
	d.open("Rule")
	d.optional("ID", r.ID)
	d.element("Status", r.Status)
	r.writeFilter(d)
	for _, t := range r.Transitions {
		d.open("Transition")
		d.number("Days", int64(t.Days))
		d.element("StorageClass", t.StorageClass)
		d.close("Transition")
	}
	for _, t := range r.NoncurrentTransitions {
		d.open("NoncurrentVersionTransition")
		d.number("NoncurrentDays", int64(t.Days))
		d.element("StorageClass", t.StorageClass)
		d.close("NoncurrentVersionTransition")
	}
	days := func(action, element string, n int) {
		if n > 0 {
			d.open(action)
			d.number(element, int64(n))
			d.close(action)
		}
	}
	days("Expiration", "Days", r.ExpirationDays)
	if r.ExpireDeleteMarkers {
		d.open("Expiration")
		d.element("ExpiredObjectDeleteMarker", strconv.FormatBool(true))
		d.close("Expiration")
	}
	days("NoncurrentVersionExpiration", "NoncurrentDays", r.NoncurrentDays)
	days("AbortIncompleteMultipartUpload", "DaysAfterInitiation", r.AbortUploadsDays)
	d.close("Rule")
}

// writeFilter writes which objects a rule is for: one criterion by itself, or several in And.
func (r LifecycleRule) writeFilter(d *document) {
	var criteria []func()
	if r.Prefix != "" {
		criteria = append(criteria, func() { d.element("Prefix", r.Prefix) })
	}
	for key, value := range r.Tags {
		criteria = append(criteria, func() {
			d.open("Tag")
			d.element("Key", key)
			d.element("Value", value)
			d.close("Tag")
		})
	}
	if r.LargerThan > 0 {
		criteria = append(criteria, func() { d.number("ObjectSizeGreaterThan", r.LargerThan) })
	}
	if r.SmallerThan > 0 {
		criteria = append(criteria, func() { d.number("ObjectSizeLessThan", r.SmallerThan) })
	}
	d.open("Filter")
	if len(criteria) > 1 {
		d.open("And")
	}
	for _, write := range criteria {
		write()
	}
	if len(criteria) > 1 {
		d.close("And")
	}
	d.close("Filter")
}
