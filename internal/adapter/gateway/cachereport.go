package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway/types"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// failingUpload is the value of the filter UploadState (AWS, "CacheReportFilter").
const failingUpload = "FailingUpload"

// StartReport has the gateway write a report of the files of a share that fail to upload, and returns the report's ARN.
// With the token of a report that there is already it returns that one's. A share has one report under way, and ten that
// are not deleted; who asks for more is refused. A file is flagged once an upload of it has failed, and the flags are
// reset every day and when a gateway reboots (AWS, "StartCacheReport"): that none is listed proves nothing.
// pool.ErrUnreachable while the gateway is away.
func (g *Gateways) StartReport(ctx context.Context, s pool.ReportSpec) (arn string, err error) {
	share := shareARN(s.Share)
	out, err := g.Client.StartCacheReport(ctx, &storagegateway.StartCacheReportInput{
		ClientToken: &s.Token, FileShareARN: &share, LocationARN: aws.String(bucketARN(share, s.Bucket)), BucketRegion: &g.Region, Role: &s.Role,
		InclusionFilters: []types.CacheReportFilter{{Name: types.CacheReportFilterNameUploadState, Values: []string{failingUpload}}},
	})
	if err != nil {
		return "", fmt.Errorf("ask for a report of share %s: %w", share, reachable(err))
	}
	return aws.ToString(out.CacheReportARN), nil
}

// Report looks how far a report has come. pool.ErrNotFound when it is gone.
func (g *Gateways) Report(ctx context.Context, arn string) (pool.CacheReport, error) {
	out, err := g.Client.DescribeCacheReport(ctx, &storagegateway.DescribeCacheReportInput{CacheReportARN: &arn})
	if isReportGone(err) {
		return pool.CacheReport{}, fmt.Errorf("look at report %s: %w: %w", arn, pool.ErrNotFound, err)
	}
	if err == nil && out.CacheReportInfo == nil {
		err = errors.New("the answer has no report")
	}
	if err != nil {
		return pool.CacheReport{}, fmt.Errorf("look at report %s: %w", arn, reachable(err))
	}
	r := pool.CacheReport{State: pool.ReportFailed, Key: aws.ToString(out.CacheReportInfo.ReportName)}
	switch out.CacheReportInfo.CacheReportStatus {
	case types.CacheReportStatusInProgress:
		r.State = pool.ReportRunning
	case types.CacheReportStatusCompleted:
		r.State = pool.ReportDone
	}
	return r, nil
}

// DeleteReport deletes a report, but not the object that it was written to. One that is gone is no error; one that is
// under way can't be deleted.
func (g *Gateways) DeleteReport(ctx context.Context, arn string) error {
	_, err := g.Client.DeleteCacheReport(ctx, &storagegateway.DeleteCacheReportInput{CacheReportARN: &arn})
	if err == nil {
		return nil
	}
	// One that is gone and one that is under way may be refused with the same code.
	if _, lookErr := g.Report(ctx, arn); errors.Is(lookErr, pool.ErrNotFound) {
		return nil
	}
	return fmt.Errorf("delete report %s: %w", arn, reachable(err))
}

// isReportGone reports that Storage Gateway does not know a report, or not its share any more. Which code it has for that
// is not documented, and there is none for reports: an ARN that was good when the service gave it out is none of its
// parameters that can be wrong otherwise.
func isReportGone(err error) bool {
	return isShareGone(err) || awsclient.Code(err) == string(types.ErrorCodeInvalidParameters)
}

// bucketARN is the ARN of a bucket in the partition of another ARN.
func bucketARN(of, bucket string) string {
	partition, _, _ := strings.Cut(strings.TrimPrefix(of, "arn:"), ":")
	return "arn:" + partition + ":s3:::" + bucket
}
