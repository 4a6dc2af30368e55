package endtoend

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"headroom/internal/pool"
)

// The operator's command does what it says: each verb is asked of the deployment, and waited for.
func TestTheCommandHasThingsDone(t *testing.T) {
	s := start(t, policies(pool.Policy{SlotsPerHost: 3}, pool.Policy{SlotsPerHost: 3}))
	s.awaitInService(t, 1, 1)
	headroom := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "../../dist/headroom", append(args, "--endpoint", s.Endpoint)...)
		cmd.Env = append(cmd.Environ(), "AWS_ACCESS_KEY_ID=", "AWS_PROFILE=", "HEADROOM_STAGE=")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("headroom %s: %v: %s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	for _, line := range []struct{ args, says string }{
		{"signup acme 127.1.0.1 --wait", "it is ready"},
		{"tenant show acme", "database-standard-1/"},
		{"address add acme 127.1.0.2 --reason more --wait", "its addresses are 127.1.0.1, 127.1.0.2"},
		{"address remove acme 127.1.0.1 --reason gone --wait", "its addresses are 127.1.0.2"},
		{"tenant history acme", "coming 127.1.0.2, going none, by arn:aws:iam::123456789012:root (sent by 123456789012): more (message "},
		{"host cordon share-standard-1 --reason drill --wait", "it is cordoned"},
		{"host show share-standard-1", "cordoned by hand, by arn:aws:iam::123456789012:root (sent by 123456789012): drill"},
		{"host uncordon share-standard-1 --reason over --wait", "it is in-service"},
		{"decommission acme --reason ended --grace 1h --yes --wait", "nobody reaches its storage any more"},
		{"tenant explain acme", "wanted that at"},
		{"undo acme --reason mistake --wait", "it is ready"},
		{"tenant history acme", "undone by arn:aws:iam::123456789012:root (sent by 123456789012): mistake"},
		{"logs acme", "storage ready"},
		{"status", "Stage dev in eu-west-1"},
	} {
		if said := headroom(strings.Fields(line.args)...); !strings.Contains(said, line.says) {
			t.Errorf("headroom %s says\n%s\nand not %q", line.args, said, line.says)
		}
	}
	s.send(t, "SignupQueueUrl", `{"version":"1","tenantId":"bad","tier":"Gold","instanceIp":"here"}`)
	var letters string
	s.await(t, "the refused signup is shown", func() bool {
		letters = headroom("dlq", "show", "signup")
		return strings.Contains(letters, "refused: tier is malformed")
	})
	for _, want := range []string{"\nsent as  ", "\nby              123456789012\n", "\nalso            instanceIp is not one IPv4 address\n", `"tenantId":"bad"`} {
		if !strings.Contains(letters, want) {
			t.Errorf("of a refused signup it does not say %q:\n%s", want, letters)
		}
	}
	var record struct {
		Audit []struct{ What, Who, Of, With, Why string }
	}
	if err := json.Unmarshal([]byte(headroom("audit", "--json")), &record); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, l := range record.Audit {
		lines = append(lines, strings.TrimRight(l.What+" of "+l.Of+" by "+l.Who+": "+l.Why+"; "+l.With, "; "))
	}
	const want = "InstanceChangeRequested of acme by 123456789012: more; add 127.1.0.2, InstanceChangeRequested of acme by 123456789012: gone; remove 127.1.0.1, " +
		"HostRequest cordon of share-standard-1 by 123456789012: drill, HostRequest uncordon of share-standard-1 by 123456789012: over, " +
		"DecommissionRequested of acme by 123456789012: ended; grace 1h, UndoRequested of acme by 123456789012: mistake"
	if got := strings.Join(lines, ", "); got != want {
		t.Errorf("on record is\n%s\nand not\n%s", got, want)
	}
}
