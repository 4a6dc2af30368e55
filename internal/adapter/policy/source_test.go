package policy_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/adapter/policy"
	"headroom/internal/adapter/policy/policytest"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

func document(ceiling int) string {
	one := func(kind string) string {
		return fmt.Sprintf(`{"kind":%q,"tier":"standard","slotsPerHost":10,"floor":1,"ceiling":%d,"bufferSlots":5,"bufferPercent":20,"maxOrders":2,"placement":"pack","tenantsPerHost":0}`, kind, ceiling)
	}
	return fmt.Sprintf(`{"version":"1","pools":[%s,%s]}`, one("database"), one("share"))
}

func ceiling(t *testing.T, s *policy.Source) int {
	t.Helper()
	ps, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, ok := ps.Of(pool.Key{Kind: pool.Share, Tier: "standard"})
	if !ok {
		t.Fatal("no policy")
	}
	return p.Ceiling
}

func TestPolicies(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	source := func(p *policytest.Parameter) (*policy.Source, *bytes.Buffer) {
		var out bytes.Buffer
		log := slog.New(slog.NewJSONHandler(&out, nil))
		return &policy.Source{Client: p, Parameter: "/headroom/dev/policy", Bounds: pool.Bounds{DatabaseSlots: 20}, Now: clock, Metrics: telemetry.Recorder{Out: &out, Now: clock, Stage: "dev", Log: log}, Log: log}, &out
	}

	t.Run("are kept in memory, and a change is seen after the TTL", func(t *testing.T) {
		p := policytest.New("/headroom/dev/policy", document(3))
		s, _ := source(p)
		if got := ceiling(t, s); got != 3 {
			t.Errorf("ceiling %d", got)
		}
		p.Put(document(4))
		if got := ceiling(t, s); got != 3 || p.Reads() != 1 {
			t.Errorf("ceiling %d after %d reads", got, p.Reads())
		}
		now = now.Add(policy.TTL)
		if got := ceiling(t, s); got != 4 {
			t.Errorf("ceiling %d", got)
		}
	})
	t.Run("of the newest valid version are in force when the newest is invalid", func(t *testing.T) {
		p := policytest.New("/headroom/dev/policy", document(3))
		p.Put(document(4))
		p.Put(document(5))
		p.Put("{}")
		p.Put(document(-1))
		s, out := source(p)
		if got := ceiling(t, s); got != 5 {
			t.Errorf("ceiling %d", got)
		}
		if !strings.Contains(out.String(), `"PolicyInvalid":1`) {
			t.Errorf("not counted: %s", out)
		}
		if !strings.Contains(out.String(), "an older version is in force") || !strings.Contains(out.String(), "ceiling is -1") {
			t.Errorf("not logged with its reasons: %s", out)
		}
	})
	t.Run("are an error when no version is valid", func(t *testing.T) {
		s, _ := source(policytest.New("/headroom/dev/policy", "{}"))
		if _, err := s.Load(t.Context()); err == nil {
			t.Error("no error")
		}
	})
	t.Run("are an error when the parameter is missing", func(t *testing.T) {
		s, _ := source(policytest.New("/other", document(3)))
		if _, err := s.Load(t.Context()); err == nil {
			t.Error("no error")
		}
	})
}

func TestDrillsAreReadWithThePolicies(t *testing.T) {
	with := strings.Replace(document(3), `"pools"`, `"drills":[{"from":"ami-0a1b2c3d","to":"ami-0a1b2c3e"}],"pools"`, 1)
	for text, want := range map[string][]pool.Drill{document(3): nil, with: {{From: "ami-0a1b2c3d", To: "ami-0a1b2c3e"}}} {
		s := &policy.Source{Client: policytest.New("/headroom/dev/policy", text), Parameter: "/headroom/dev/policy", Bounds: pool.Bounds{DatabaseSlots: 20}, Now: time.Now}
		if got, err := s.Drills(t.Context()); err != nil || !slices.Equal(got, want) {
			t.Errorf("drills are %v, %v; want %v", got, err, want)
		}
	}
}
