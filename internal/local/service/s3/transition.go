package s3

import (
	"slices"
	"strings"
	"time"
)

// day is how often rules are carried out, at midnight UTC ("Lifecycle rules: based on an object's age" in S3's
// user guide).
const day = 24 * time.Hour

// smallest is the size in bytes below which objects stay where they are, unless bucket or rule say otherwise.
const smallest = 128 << 10

// transit moves versions to other storage classes, once a day: whoever calls first after midnight sees what came
// of it. What came since counts at the next one.
func (b *bucket) transit(now time.Time) {
	midnight := now.Truncate(day)
	if len(b.settings.Lifecycle.Rules) == 0 || !b.transited.Before(midnight) {
		return
	}
	b.transited = midnight
	for _, versions := range b.versions.entries {
		for i, v := range versions {
			since := v.modified
			if i > 0 {
				since = versions[i-1].modified // another took its place
			}
			for _, rule := range b.settings.Lifecycle.Rules {
				transitions := rule.Transitions
				if i > 0 {
					transitions = rule.NoncurrentTransitions
				}
				for _, t := range transitions {
					due := since.AddDate(0, 0, t.Days).Before(midnight) && v.tagged.Before(midnight)
					if due && colder(t.StorageClass, v.class) && b.settings.Lifecycle.covers(rule, v, t.StorageClass) {
						v.class = t.StorageClass
					}
				}
			}
		}
	}
}

// colder reports whether a rule may move from one class to another: down only.
func colder(next, class string) bool {
	return slices.Index(storageClasses, next) > slices.Index(storageClasses, class)
}

// covers reports whether a rule is for a version, and moves what is so small.
func (l Lifecycle) covers(r LifecycleRule, v *version, class string) bool {
	size := v.blob.size()
	if v.marker || r.Status != "Enabled" || !strings.HasPrefix(v.key, r.Prefix) || !r.tagged(v) {
		return false
	}
	if r.LargerThan > 0 || r.SmallerThan > 0 {
		return size > r.LargerThan && (r.SmallerThan == 0 || size < r.SmallerThan)
	}
	return size >= smallest || l.MinimumSize == "varies_by_storage_class" && (class == "GLACIER" || class == "DEEP_ARCHIVE")
}

func (r LifecycleRule) tagged(v *version) bool {
	for key, value := range r.Tags {
		if got, ok := v.tags[key]; !ok || got != value {
			return false
		}
	}
	return true
}
