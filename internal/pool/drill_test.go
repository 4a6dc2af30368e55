package pool_test

import (
	"slices"
	"strings"
	"testing"

	"headroom/internal/pool"
)

// withDrills is a good policy document with these drills.
func withDrills(t *testing.T, drills string) []byte {
	t.Helper()
	good := string(document(t, func(*pool.Policy) {}))
	return []byte(strings.Replace(good, `"pools"`, `"drills":`+drills+`,"pools"`, 1))
}

func TestDrillsAreThoseThatArePutOnRecord(t *testing.T) {
	parsed, err := pool.ParseDocument(document(t, func(*pool.Policy) {}), bounds)
	if err != nil || len(parsed.Drills) != 0 {
		t.Errorf("without any there are %v, %v", parsed.Drills, err)
	}
	want := []pool.Drill{{From: "ami-0a1b2c3d", To: "ami-0a1b2c3d"}, {From: "ami-0a1b2c3d", To: "ami-0123456789abcdef0"}}
	parsed, err = pool.ParseDocument(withDrills(t, `[{"from":"ami-0a1b2c3d","to":"ami-0a1b2c3d"},{"from":"ami-0a1b2c3d","to":"ami-0123456789abcdef0"}]`), bounds)
	if err != nil || !slices.Equal(parsed.Drills, want) {
		t.Errorf("there are %v, %v", parsed.Drills, err)
	}
}

func TestDrillsThatCannotBeMeantAreRefused(t *testing.T) {
	one := `{"from":"ami-0a1b2c3d","to":"ami-0a1b2c3e"}`
	for drills, reason := range map[string]string{
		`[{"from":"ami-0a1b2c3d"}]`:                              `"" is no ID`,
		`[{"to":"ami-0a1b2c3d"}]`:                                `"" is no ID`,
		`[{"from":"newest","to":"ami-0a1b2c3d"}]`:                `"newest" is no ID`,
		`[{"from":"ami-0a1b2c3d","to":"*"}]`:                     `"*" is no ID`,
		`[{"from":"ami-0a1b2c3d","to":"ami-0a1b2c3e","by":"x"}]`: "by",
		"[" + one + "," + one + "]":                              "twice",
		"[" + strings.Repeat(one+",", 50) + one + "]":            "there are 51",
		`{}`: "drills",
	} {
		if _, err := pool.ParseDocument(withDrills(t, drills), bounds); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%.60s: error %v, want one about %q", drills, err, reason)
		}
	}
}
