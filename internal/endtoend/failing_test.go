package endtoend

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/events"
	"headroom/internal/pool"
)

// stuckFile is one that a tenant writes while nothing can be uploaded, and what it holds.
const stuckFile, inStuckFile = "stuck, ü.txt", "the content of a file that was stuck, 4h7tq1"

// A tenant leaves that has written a file which its gateway can't upload. People are told its name, nothing of the tenant
// is destroyed, and when what keeps it is mended, the file is in the archive with the rest.
func TestAFileThatFailsToUploadIsNamedAndNotLost(t *testing.T) {
	t.Parallel()
	s := startWith(t, document{Version: "1", Pools: twoSlots(), Terms: &leavers}, byTheClock)
	notified := s.subscribe(t, "told-of-files")
	s.awaitInService(t, 1, 1)
	s.signUp(t, leaver, leftFrom)
	ready := s.awaitReady(t, leaver)[leaver]
	l := &leaving{system: s, ready: ready, credentials: s.secret(t, ready.Database.SecretARN), from: leftFrom}
	l.fill(t, inFile, inRow)

	tenant, err := s.ledger.Tenant(t.Context(), leaver)
	must(t, err)
	host, err := s.ledger.Host(t.Context(), tenant.Share.Host)
	must(t, err)
	bucket := pool.BucketName(host.Slot(tenant.Share.Index).Bucket)
	l.within(t, "its other files are in the bucket", func() bool {
		objects, err := s3.NewFromConfig(l.AWS()).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: aws.String("file-")})
		must(t, err)
		return len(objects.Contents) == 20
	})

	// Somebody takes from the share's role what it needs.
	role, ok := s.Policies.Role(host.Slot(tenant.Share.Index).Role)
	if n := s.Policies.Revoke(role.Name, "s3:PutObject"); !ok || n == 0 {
		t.Fatal("the share's role has no such grant")
	}
	client, err := l.mount(t)
	must(t, err)
	must(t, client.WriteFile(t.Context(), stuckFile, []byte(inStuckFile)))
	must(t, client.Close())

	l.ask(t, "DecommissionRequested", `,"grace":"1m"`)
	var told []string
	l.within(t, "people are told the file's name", func() bool {
		told = append(told, notified()...)
		return slices.ContainsFunc(told, func(message string) bool { return strings.Contains(message, stuckFile+" (S3AccessDenied)") })
	})
	// It is told before it is recorded.
	l.within(t, "its record names the file", func() bool {
		return slices.Equal(l.departure(t, 0).Failing.Names, []string{stuckFile + " (S3AccessDenied)"})
	})
	if d := l.departure(t, 0); d.State != pool.DepartureLeaving || d.Step != pool.StepUpload {
		t.Errorf("it is %s at %q", d.State, d.Step)
	}

	s.Policies.PutRole(role)
	l.within(t, "its data is archived", func() bool { return !l.departure(t, 0).Archive.RetainUntil.IsZero() })
	a := l.departure(t, 0).Archive
	folder := t.TempDir()
	zip := filepath.Join(folder, "archive.zip")
	must(t, os.WriteFile(zip, l.object(t, a.Key, a.VersionID), 0o600))
	if out, err := exec.CommandContext(t.Context(), "unzip", "-q", zip, "-d", folder).CombinedOutput(); err != nil {
		t.Fatalf("unzip: %v\n%s", err, out)
	}
	if content, err := os.ReadFile(filepath.Join(folder, "share", stuckFile)); err != nil || string(content) != inStuckFile {
		t.Errorf("the archive has %q in the file, %v", content, err)
	}
	if files, _ := filepath.Glob(filepath.Join(folder, "share", "file-*")); len(files) != 20 {
		t.Errorf("%d other files were archived", len(files))
	}
	l.within(t, "the tenant is released", func() bool { return len(heard[events.TenantReleased](s.watch)) > 0 })
	if left := l.inReports(t); len(left) > 0 {
		t.Errorf("left of reports: %v", left)
	}
	// What nobody deletes from a queue comes again; another notice would be another text.
	told = slices.DeleteFunc(append(told, notified()...), func(message string) bool { return !strings.Contains(message, stuckFile) })
	slices.Sort(told)
	if told = slices.Compact(told); len(told) != 1 {
		t.Errorf("people were told %q", told)
	}
}
