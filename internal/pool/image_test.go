package pool_test

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

func TestAnImageIsRefusedByWhatIsKnownOfIt(t *testing.T) {
	made := time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC)
	own := pool.Image{ID: "ami-00000001", Name: "two", Made: made}
	gone := pool.Image{ID: "ami-00000001"}
	other := func(age time.Duration) pool.Image {
		return pool.Image{ID: "ami-00000002", Name: "one", Made: made.Add(-age)}
	}
	for name, test := range map[string]struct {
		to, from pool.Image
		want     string // in why it is refused; empty: it is not
		undated  bool
	}{
		"newer":                    {other(-time.Second), own, "", false},
		"as old":                   {other(0), own, "", false},
		"older":                    {other(time.Second), own, "image ami-00000002 (one, of 2026-05-01) is older than ami-00000001 (two, of 2026-05-02)", false},
		"the same":                 {own, own, "", false},
		"not there":                {pool.Image{ID: "ami-00000002"}, own, "EC2 knows no image ami-00000002", false},
		"from one that is gone":    {other(0), gone, "", true},
		"from one not on record":   {other(0), pool.Image{}, "", true},
		"the same, which is gone":  {gone, gone, "EC2 knows no image ami-00000001", true},
		"from, and to, what is no": {pool.Image{ID: "ami-00000002"}, gone, "EC2 knows no image ami-00000002", true},
	} {
		t.Run(name, func(t *testing.T) {
			if why := pool.RefuseImage(test.to, test.from); !strings.HasPrefix(why, test.want) || (why == "") != (test.want == "") {
				t.Errorf("it says %q", why)
			}
			if undated := test.from.Undated(); (undated != "") != test.undated {
				t.Errorf("of its age it says %q", undated)
			}
		})
	}
}
