package demo

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"headroom/internal/pool"
)

// moved is what the function logs when a departure or a clearance goes from one step to another.
func moved(of, id string, done, next pool.Step) string {
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.MessageKey {
			a.Key = "message"
		}
		return a
	}}))
	log.Info(of+" moved on", of, id, "state", "any", "done", done, "next", next)
	return out.String()
}

func TestStepsOfAWayOutAreSaidInWords(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{moved("departure", "acme.k3v9x2m7qa", pool.StepArchive, pool.StepVerify), "acme: its files and a dump of its database are written into one zip"},
		{moved("departure", "acme.k3v9x2m7qa-1", pool.StepGrace, pool.StepScrub), "acme: nobody undid it; its slots are scrubbed, side by side"},
		{moved("clearance", "acme.k3v9x2m7qa/share", pool.StepWithdraw, pool.StepCompare), "acme, share: the share is deleted"},
		{moved("clearance", "acme.k3v9x2m7qa/database", pool.StepCool, ""), "acme, database: free again"},
		// An event says so.
		{moved("departure", "acme.k3v9x2m7qa", pool.StepCertify, ""), ""},
		// A way back, and an end that is none of the usual.
		{moved("departure", "acme.k3v9x2m7qa", pool.StepVerify, pool.StepArchive), "acme: after verify comes archive"},
		{moved("clearance", "acme.k3v9x2m7qa/share", pool.StepProve, ""), "acme, share: after prove comes nothing more"},
		// Other lines.
		{moved("change", "acme", pool.StepAdmit, pool.StepEvict), ""},
		{"no JSON", ""},
		{`{"message":"pool planned"}`, ""},
	} {
		if got := stepWords(test.line); got != test.want {
			t.Errorf("of %sit says  %q\nand not  %q", test.line, got, test.want)
		}
	}
}

func TestACrowdKnowsWhoIsArchived(t *testing.T) {
	cloud := newFakeCloud(t, "")
	crowd, err := NewCrowd(cloud, "standard")
	if err != nil {
		t.Fatal(err)
	}
	cloud.log(moved("departure", "birch.1", pool.StepLock, pool.StepGrace))
	cloud.log(moved("departure", "acme.1", pool.StepVerify, pool.StepLock))
	if crowd.Archived("acme") || !crowd.Archived("birch") {
		t.Errorf("acme is archived: %v, birch: %v", crowd.Archived("acme"), crowd.Archived("birch"))
	}
	p, out := narrow(0, false)
	crowd.Tell(p)
	crowd.Tell(p)
	if n := strings.Count(out.String(), "birch: "); n != 1 {
		t.Errorf("it is told %d times:\n%s", n, out)
	}
}
