package rds

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/smithy-go"
	"github.com/jackc/pgx/v5"

	"headroom/internal/local/endpoint/endpointtest"
)

// client calls RDS as programs do.
func (b bench) client(t *testing.T) *sdk.Client {
	t.Helper()
	return sdk.NewFromConfig(endpointtest.Serve(t, b.Service()))
}

// count is how many secrets there are.
func (v *vault) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.values)
}

// code is the code of an API's refusal, with its words.
func code(err error) string {
	var refused smithy.APIError
	if !errors.As(err, &refused) {
		return fmt.Sprint(err)
	}
	return refused.ErrorCode() + ": " + refused.ErrorMessage()
}

// get describes an instance; nil: there is none.
func get(t *testing.T, c *sdk.Client, identifier string) *types.DBInstance {
	t.Helper()
	out, err := c.DescribeDBInstances(t.Context(), &sdk.DescribeDBInstancesInput{DBInstanceIdentifier: &identifier})
	var missing *types.DBInstanceNotFoundFault
	if errors.As(err, &missing) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return &out.DBInstances[0]
}

// until waits until an instance, nil if there is none, is as wanted.
func until(t *testing.T, c *sdk.Client, identifier, what string, is func(*types.DBInstance) bool) *types.DBInstance {
	t.Helper()
	var last *types.DBInstance
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if last = get(t, c, identifier); is(last) {
			return last
		}
	}
	state := "gone"
	if last != nil {
		state = aws.ToString(last.DBInstanceStatus)
	}
	t.Fatalf("%s never becomes %s; it is %s", identifier, what, state)
	return nil
}

func become(t *testing.T, c *sdk.Client, identifier, status string) *types.DBInstance {
	t.Helper()
	return until(t, c, identifier, status, func(i *types.DBInstance) bool { return i != nil && aws.ToString(i.DBInstanceStatus) == status })
}

func gone(t *testing.T, c *sdk.Client, identifier string) {
	t.Helper()
	until(t, c, identifier, "gone", func(i *types.DBInstance) bool { return i == nil })
}

// shipped waits until all that was committed by now can be restored.
func shipped(t *testing.T, b bench, c *sdk.Client, identifier string) *types.DBInstance {
	t.Helper()
	now := b.cfg.Clock.Now()
	return until(t, c, identifier, "restorable", func(i *types.DBInstance) bool {
		return i.LatestRestorableTime != nil && i.LatestRestorableTime.After(now)
	})
}

// exec runs statements as the master user.
func (b bench) exec(t *testing.T, port, user, password, database string, statements ...string) {
	t.Helper()
	conn, err := b.open(t, port, user, password, database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// numbers are the rows of a table, in order.
func (b bench) numbers(t *testing.T, port, user, password, database string) string {
	t.Helper()
	conn, err := b.open(t, port, user, password, database)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	rows, err := conn.Query(t.Context(), "SELECT n::text FROM kept ORDER BY n")
	if err != nil {
		return err.Error()
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err.Error()
	}
	return strings.Join(found, ",")
}

func portOf(i *types.DBInstance) string { return fmt.Sprint(aws.ToInt32(i.Endpoint.Port)) }

// backedUp makes an instance with backups, a table in two databases, and waits until it can be restored.
func (b bench) backedUp(t *testing.T, c *sdk.Client, name string, more map[string]any) (port, user, password string) {
	t.Helper()
	properties := map[string]any{"BackupRetentionPeriod": 7, "EngineVersion": "15.4", "DBInstanceClass": "db.t4g.micro", "KmsKeyId": "arn:aws:kms:::key/k"}
	for key, value := range more {
		properties[key] = value
	}
	port, user, password = b.instance(t, database(name, properties))
	become(t, c, name, "available")
	b.exec(t, port, user, password, "postgres", "CREATE DATABASE other", "CREATE TABLE kept AS SELECT 1 AS n")
	b.exec(t, port, user, password, "other", "CREATE TABLE kept AS SELECT 1 AS n")
	shipped(t, b, c, name)
	return port, user, password
}

// insert adds a row in both databases, and returns a time at which it is there and no later one is.
func (b bench) insert(t *testing.T, port, user, password string, n int) time.Time {
	t.Helper()
	for _, database := range []string{"postgres", "other"} {
		b.exec(t, port, user, password, database, fmt.Sprintf("INSERT INTO kept VALUES (%d)", n))
	}
	time.Sleep(2 * time.Millisecond)
	at := b.cfg.Clock.Now()
	time.Sleep(2 * time.Millisecond)
	return at
}
