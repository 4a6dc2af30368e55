package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/ledger/dynamo"
	"headroom/internal/pool"
)

// stops is the stop switch, which is off again after the test.
func (d *deployed) stops(t *testing.T) func() pool.Stops {
	t.Helper()
	t.Cleanup(func() {
		if err := d.ledger.SaveStops(context.Background(), pool.Stops{}); err != nil {
			t.Error(err)
		}
	})
	return func() pool.Stops {
		t.Helper()
		s, err := d.ledger.Stops(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func TestWhatIsStoppedIsStoppedAtOnceAndShown(t *testing.T) {
	d := cloud(t)
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	stops := d.stops(t)
	tests := []struct {
		args string
		want string // levels that are on afterwards
	}{
		{"stop destroy order --reason drill --dry-run", ""},
		{"stop destroy order --reason drill", "order destroy"},
		{"stop order --reason longer", "order destroy"},
		{"resume order --reason over", "destroy"},
		{"resume --reason over", ""},
		{"resume --reason again", ""},
	}
	for _, test := range tests {
		status, stdout, stderr := execute(newRoot(), append(strings.Fields(test.args), "--endpoint", d.Endpoint)...)
		if status != 0 || stderr != "" {
			t.Fatalf("%s: status %d, said %s", test.args, status, stderr)
		}
		golden(t, goldenName(test.args)+".txt", stdout)
		var on []string
		for _, level := range pool.StopLevels {
			if stops().On(level) {
				on = append(on, string(level))
			}
		}
		if got := strings.Join(on, " "); got != test.want {
			t.Errorf("%s: %q is stopped", test.args, got)
		}
	}
	if changes := stops().Untold; len(changes) != 5 || !strings.HasPrefix(changes[0].By, "arn:aws:iam::"+d.Account) || changes[0].Why != "drill" || changes[0].What != "stop order, destroy" {
		t.Errorf("for the audit there are %+v", changes)
	}
	if err := d.ledger.SaveStops(t.Context(), pool.Stops{}); err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		goldenOnTerminal(t, test.args, append(strings.Fields(test.args), "--endpoint", d.Endpoint))
	}
	if err := d.ledger.SaveStops(t.Context(), pool.Stops{}.Stopped([]pool.StopLevel{pool.StopRepair}, "arn:jo", "a drill", began)); err != nil {
		t.Fatal(err)
	}
	status, stdout, _ := execute(newRoot(), "status", "--endpoint", d.Endpoint)
	golden(t, "status-stopped.txt", stdout)
	if status, _, stderr := execute(newRoot(), "status", "--check", "--endpoint", d.Endpoint); status != notWell {
		t.Errorf("status --check: %d, said %s", status, stderr)
	}
	if status != 0 || !strings.Contains(stdout, "repair, since") {
		t.Errorf("status: %d, said %s", status, stdout)
	}
}

func TestAStopThatCanNotBeMeantIsRefused(t *testing.T) {
	for line, want := range map[string]string{
		"stop":                           "--reason is missing",
		"stop order --reason":            "--reason wants a value",
		"resume everything --reason why": `"everything" is no level: they are order, repair and destroy`,
		"resume order":                   "--reason is missing",
	} {
		if status, _, stderr := execute(newRoot(), strings.Fields(line)...); status != refused || !strings.Contains(stderr, want) {
			t.Errorf("%s: status %d, said %s", line, status, stderr)
		}
	}
}

// Who may only read can't stop anything; who may stop writes the switch, and nothing else of the table.
func TestTheStopSwitchIsAllOfTheTableThatOperatorsWrite(t *testing.T) {
	d := cloud(t)
	d.stops(t)
	const line = "stop order --reason drill --endpoint "
	d.as(t, "reader", "ReadOnlyPolicyArn")
	if status, _, stderr := execute(newRoot(), strings.Fields(line+d.Endpoint)...); status != denied || !strings.Contains(stderr, "dynamodb:PutItem") {
		t.Errorf("a reader: status %d, said %s", status, stderr)
	}
	d.as(t, "operator", "ReadOnlyPolicyArn", "OperatorPolicyArn")
	if status, _, stderr := execute(newRoot(), strings.Fields(line+d.Endpoint)...); status != 0 {
		t.Errorf("an operator: status %d, said %s", status, stderr)
	}
	own := d.Config()
	own.Credentials = credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN"))
	l, err := dynamo.New(dynamo.Config{Client: dynamodb.NewFromConfig(own), Table: d.outputs["TableName"], Rand: awsclient.Jitter, Sleep: awsclient.Sleep})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Audit(t.Context(), pool.Audit{At: began, Message: "m", What: "forged", Of: "stage"}); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("an operator writes the audit: %v", err)
	}
}
