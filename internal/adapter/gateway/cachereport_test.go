package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway/types"

	"headroom/internal/adapter/gateway"
	"headroom/internal/adapter/gateway/gatewaytest"
	"headroom/internal/pool"
)

// reporting is a share of a gateway, of which reports can be made.
func reporting(t *testing.T) (*gateway.Gateways, *gatewaytest.Service, pool.ReportSpec) {
	t.Helper()
	fake := &gatewaytest.Service{Keys: map[string]bool{"KEY": true}, Put: func(string, string, []byte) error { return nil }}
	g := &gateway.Gateways{Client: fake, Region: "eu-west-1"}
	arn, err := g.Activate(t.Context(), "KEY", "share-standard-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.AddCache(t.Context(), arn); err != nil {
		t.Fatal(err)
	}
	id, err := g.CreateShare(t.Context(), pool.ShareSpec{
		Token: "token-1", Gateway: arn, Bucket: "arn:aws:s3:::bucket", Role: "arn:aws:iam::123456789012:role/share", Name: "x7",
		Key: "arn:aws:kms:eu-west-1:123456789012:key/k", Clients: []string{"192.0.2.1/32"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g, fake, pool.ReportSpec{
		Token: "report-1", Share: pool.ShareRef{Gateway: arn, ID: id}, Bucket: "reports", Role: "arn:aws:iam::123456789012:role/reporter",
	}
}

func TestAReportComesAndGoes(t *testing.T) {
	g, fake, spec := reporting(t)
	fake.Late = 1
	arn, err := g.StartReport(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if made := fake.Reports(); len(made) != 1 || made[0].Bucket != "reports" || made[0].Role != spec.Role {
		t.Errorf("made: %+v", made)
	}
	if r, err := g.Report(t.Context(), arn); err != nil || r.State != pool.ReportRunning {
		t.Errorf("it is %+v, %v", r, err)
	}
	if err := g.DeleteReport(t.Context(), arn); err == nil {
		t.Error("it was deleted while it was under way")
	}
	if again, err := g.StartReport(t.Context(), spec); again != arn {
		t.Errorf("asked for again: %q, %v", again, err)
	}
	if r, err := g.Report(t.Context(), arn); err != nil || r.State != pool.ReportDone || r.Key == "" {
		t.Errorf("it is %+v, %v", r, err)
	}
	for range 2 {
		if err := g.DeleteReport(t.Context(), arn); err != nil {
			t.Error(err)
		}
	}
	if _, err := g.Report(t.Context(), arn); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("once it is deleted: %v", err)
	}
	fake.Put, spec.Token = nil, "report-2"
	if arn, err = g.StartReport(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	_, _ = g.Report(t.Context(), arn)
	if r, err := g.Report(t.Context(), arn); err != nil || r.State != pool.ReportFailed {
		t.Errorf("one that can't be written is %+v, %v", r, err)
	}
	fake.Away(spec.Share.Gateway, true)
	if _, err := g.StartReport(t.Context(), spec); err != nil { // that is there already
		t.Error(err)
	}
	spec.Token = "report-3"
	if _, err := g.StartReport(t.Context(), spec); !errors.Is(err, pool.ErrUnreachable) {
		t.Errorf("of a gateway that is away: %v", err)
	}
}

// ended answers that a report has come to a status.
type ended struct {
	*gatewaytest.Service
	info *types.CacheReportInfo
}

func (e ended) DescribeCacheReport(context.Context, *storagegateway.DescribeCacheReportInput, ...func(*storagegateway.Options)) (*storagegateway.DescribeCacheReportOutput, error) {
	return &storagegateway.DescribeCacheReportOutput{CacheReportInfo: e.info}, nil
}

// The status is an open string: of what is not known nothing is waited for.
func TestEveryStatusOfAReport(t *testing.T) {
	for status, want := range map[types.CacheReportStatus]pool.ReportState{
		types.CacheReportStatusInProgress: pool.ReportRunning, types.CacheReportStatusCompleted: pool.ReportDone,
		types.CacheReportStatusCanceled: pool.ReportFailed, types.CacheReportStatusFailed: pool.ReportFailed,
		types.CacheReportStatusError: pool.ReportFailed, "ANOTHER": pool.ReportFailed,
	} {
		g := &gateway.Gateways{Client: ended{info: &types.CacheReportInfo{CacheReportStatus: status, ReportName: aws.String("r.csv")}}}
		if r, err := g.Report(t.Context(), "arn"); err != nil || r.State != want || r.Key != "r.csv" {
			t.Errorf("%s: %+v, %v", status, r, err)
		}
	}
	if _, err := (&gateway.Gateways{Client: ended{}}).Report(t.Context(), "arn"); err == nil {
		t.Error("an answer without a report is one")
	}
}

func TestTheFilesInAReport(t *testing.T) {
	for name, test := range map[string]struct {
		report string
		names  []string
		fails  bool
	}{
		"nothing at all": {"", nil, false},
		"no file":        {"Bucket,S3ObjectKey,FilePath,RenamedTo\n", nil, false},
		"files": {
			"Bucket,S3ObjectKey,FilePath,RenamedTo,UploadFailureReason\nb,k1,/b.txt,,S3AccessDenied\nb,k2,/a.txt,/c.txt,\n",
			[]string{"a.txt", "b.txt (S3AccessDenied)"},
			false,
		},
		"other columns, another order": {"\ufeffSize,File Path,bucket\r\n5,/a b.txt,b\r\n", []string{"a b.txt"}, false},
		"the key alone":                {"S3ObjectKey\na.txt\n", []string{"a.txt"}, false},
		"a new file has no object":     {"S3ObjectKey,FilePath\n,/a.txt\n", []string{"a.txt"}, false},
		"strange names":                {"FilePath\n\"/a,\"\"b\"\"\nc\"\n/\"d\n", []string{"\"d", "a,\"b\"\nc"}, false},
		"short lines":                  {"FilePath,UploadFailureReason\n/a.txt\n", []string{"a.txt"}, false},
		"no header":                    {"b,a.txt\n", nil, true},
	} {
		files, err := (&gateway.Gateways{}).FilesIn(strings.NewReader(test.report))
		if (err != nil) != test.fails || !test.fails && (!slices.Equal(files.Names, test.names) || files.Count != len(test.names)) {
			t.Errorf("%s: %+v, %v", name, files, err)
		}
	}
	var many strings.Builder
	many.WriteString("FilePath\n")
	for i := range pool.FailingMost + 10 {
		fmt.Fprintf(&many, "/%d\n", i)
	}
	if files, err := (&gateway.Gateways{}).FilesIn(strings.NewReader(many.String())); err != nil || files.Count != pool.FailingMost {
		t.Errorf("of many %d are counted: %v", files.Count, err)
	}
}
