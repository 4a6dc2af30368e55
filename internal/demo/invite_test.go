package demo

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"headroom/events"
)

const (
	endpointURL = "http://127.0.0.1:4566"
	secretARN   = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:headroom/dev/acme-x-AbCdEf"
	queueURL    = endpointURL + "/123456789012/headroom-dev-signup"
	otherSignup = `{"version":"1","tenantId":"yours","tier":"standard","instanceIp":"127.20.0.3"}`
	otherMoves  = `{"version":"1","type":"InstanceChangeRequested","tenantId":"yours","add":["127.21.0.4"],"remove":["127.20.0.3"],"reason":"to try it","requestedBy":"you"}`
	otherLeaves = `{"version":"1","type":"DecommissionRequested","tenantId":"yours","reason":"to try it","requestedBy":"you","grace":"30m"}`
	otherStays  = `{"version":"1","type":"UndoRequested","tenantId":"yours","reason":"to try it","requestedBy":"you"}`
)

// invitation is what Invite prints on a screen of so many columns.
func invitation(t *testing.T, columns int, commandLine bool) string {
	t.Helper()
	acme := tenants(1)[0]
	acme.Ready.Database = events.Database{Host: "localhost", Port: 5432, Name: "d_1", Username: "t_1", SecretARN: secretARN}
	acme.Ready.Share.Options = "vers=3,nolock"
	p, out := narrow(columns, false)
	p.Invite(Invitation{
		Endpoint: endpointURL, Region: "eu-west-1", Queue: queueURL, CAFile: "/tmp/rds-ca.pem", Logs: "/tmp/logs", CommandLine: commandLine,
		Tier: "standard", Address: "127.20.0.3", Tenant: acme, Gateway: netip.MustParseAddr("127.10.0.2"),
		Departures: endpointURL + "/leave", Changes: endpointURL + "/move", Next: "127.21.0.4",
	})
	return out.String()
}

// commands are the lines to be pasted into a shell: those that are set in.
func commands(text string) (found []string) {
	for line := range strings.Lines(text) {
		if command, ok := strings.CutPrefix(line, "  "); ok && command[0] != ' ' { // else it is a folded heading
			found = append(found, strings.TrimSuffix(command, "\n"))
		}
	}
	return found
}

// wordsOf runs a command in a shell where the programs that it calls print what they are given.
func wordsOf(t *testing.T, command string) (all [][]string) {
	t.Helper()
	script := `say() { printf '%s\0' "$@"; printf '\0'; }
aws() { say aws "$@"; }; curl() { say curl "$@"; }; psql() { say psql "$@"; }; ip() { say ip "$@"; }; mount() { say mount "$@"; }
` + command
	out, err := exec.CommandContext(t.Context(), "sh", "-c", script).Output()
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	for call := range bytes.SplitSeq(bytes.TrimSuffix(out, []byte("\x00\x00")), []byte("\x00\x00")) {
		all = append(all, strings.Split(string(call), "\x00"))
	}
	return all
}

func TestTheLinesToTrySayWhatIsMeant(t *testing.T) {
	send := func(queue, body string) [][]string {
		return [][]string{{"aws", "sqs", "send-message", "--endpoint-url", endpointURL, "--region", "eu-west-1", "--queue-url", queue, "--message-body", body}}
	}
	want := [][][]string{
		send(queueURL, otherSignup),
		{{"aws", "secretsmanager", "get-secret-value", "--endpoint-url", endpointURL, "--region", "eu-west-1", "--secret-id", secretARN, "--query", "SecretString", "--output", "text"}},
		{{"psql", "host=localhost port=5432 dbname=d_1 user=t_1 sslmode=verify-full sslrootcert=/tmp/rds-ca.pem"}},
		{
			{"ip", "route", "replace", "local", "127.10.0.2", "dev", "lo", "src", "127.20.0.1", "table", "local"},
			{"mount", "-t", "nfs", "-o", "vers=3,nolock", "127.10.0.2:/rejwd5hyd8no", "/mnt"},
		},
		send(endpointURL+"/move", otherMoves),
		send(endpointURL+"/leave", otherLeaves),
		send(endpointURL+"/leave", otherStays),
	}
	for _, columns := range []int{0, 60} { // a line to be copied is not folded
		lines := commands(invitation(t, columns, true))
		if len(lines) != 2+len(want) || !strings.HasPrefix(lines[0], "export AWS_ACCESS_KEY_ID=") || lines[1] != "dist/headroom status --endpoint "+endpointURL {
			t.Fatalf("in %d columns the lines are\n%s", columns, strings.Join(lines, "\n"))
		}
		for i, line := range lines[2:] {
			if got := wordsOf(t, line); !slices.EqualFunc(got, want[i], slices.Equal[[]string]) {
				t.Errorf("in %d columns, %s\nis run as %q\nwant      %q", columns, line, got, want[i])
			}
		}
	}
}

func TestWithoutAWSsCommandLineTheLinesToTryAreForCurl(t *testing.T) {
	text := invitation(t, 0, false)
	lines := commands(text)
	if len(lines) != 8 || strings.Contains(text, "aws sqs") || strings.Contains(text, "export") {
		t.Fatalf("it says\n%s", text)
	}
	for i, want := range map[int]map[string]string{
		1: {"QueueUrl": queueURL, "MessageBody": otherSignup},
		2: {"SecretId": secretARN},
		5: {"QueueUrl": endpointURL + "/move", "MessageBody": otherMoves},
		6: {"QueueUrl": endpointURL + "/leave", "MessageBody": otherLeaves},
		7: {"QueueUrl": endpointURL + "/leave", "MessageBody": otherStays},
	} {
		words := wordsOf(t, lines[i])[0]
		var body map[string]string
		if err := json.Unmarshal([]byte(words[len(words)-1]), &body); err != nil {
			t.Fatalf("%s: %v", lines[i], err)
		}
		if words[0] != "curl" || !slices.Contains(words, endpointURL) || len(body) != len(want) {
			t.Errorf("%s", lines[i])
		}
		for name, value := range want {
			if body[name] != value {
				t.Errorf("%s is %q, want %q", name, body[name], value)
			}
		}
	}
}

func TestAllButTheLinesToTryFitsTheScreen(t *testing.T) {
	for line := range strings.Lines(invitation(t, 60, true)) {
		if !strings.HasPrefix(line, "  ") && widest(line) > 60 {
			t.Errorf("too wide: %s", line)
		}
	}
}

func TestTheMessagesToTryAreOnesThatAreTaken(t *testing.T) {
	if _, err := events.ParseInstanceChangeRequested([]byte(otherMoves)); err != nil {
		t.Error(err)
	}
	if _, err := events.ParseDecommissionRequested([]byte(otherLeaves)); err != nil {
		t.Error(err)
	}
	if _, err := events.ParseUndoRequested([]byte(otherStays)); err != nil {
		t.Error(err)
	}
}
