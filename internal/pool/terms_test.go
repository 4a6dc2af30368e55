package pool_test

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

// withTerms is a good policy document with these terms.
func withTerms(t *testing.T, terms string) []byte {
	t.Helper()
	good := string(document(t, func(*pool.Policy) {}))
	return []byte(strings.Replace(good, `"pools"`, `"terms":`+terms+`,"pools"`, 1))
}

func TestTermsThatAreNotNamedAreTheDefaults(t *testing.T) {
	parsed, err := pool.ParseDocument(document(t, func(*pool.Policy) {}), bounds)
	if err != nil || parsed.Terms != pool.DefaultTerms {
		t.Errorf("terms %v, %v, want the defaults", parsed.Terms, err)
	}
	want := pool.DefaultTerms
	want.Grace = pool.Term(90 * time.Minute)
	if parsed, err = pool.ParseDocument(withTerms(t, `{"grace":"1h30m"}`), bounds); err != nil || parsed.Terms != want {
		t.Errorf("terms %v, %v, want %v", parsed.Terms, err, want)
	}
}

func TestTermsThatCannotBeMeantAreRefused(t *testing.T) {
	for terms, reason := range map[string]string{
		`{"grace":"-1s"}`:                   "grace is -1s",
		`{"grace":"2000h"}`:                 "grace is 2000h0m0s",
		`{"grace":"48h","graceMost":"24h"}`: "graceMost is 24h0m0s, not 48h0m0s to",
		`{"coolDown":"-1h"}`:                "coolDown",
		`{"retain":"1s"}`:                   "retain",
		`{"change":"0s"}`:                   "change",
		`{"steady":"-1s"}`:                  "steady",
		`{"steady":"2h"}`:                   "steady is 2h0m0s, not 0s to 1h",
		`{"grace":"3 days"}`:                "no duration",
		`{"grace":3600}`:                    "terms",
		`{"gracePeriod":"1h"}`:              "gracePeriod",
		`{"grace":"1h","grace":"2h"}`:       "grace",
	} {
		if _, err := pool.ParseDocument(withTerms(t, terms), bounds); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: error %v, want one about %q", terms, err, reason)
		}
	}
}
