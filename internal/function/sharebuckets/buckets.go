// Package sharebuckets wires S3, where the buckets of shares are marked.
package sharebuckets

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/internal/adapter/buckets"
)

// Client makes the client of shares' buckets.
func Client(cfg aws.Config) *buckets.Buckets {
	return &buckets.Buckets{Client: s3.NewFromConfig(cfg)}
}

// Disposal makes the client of shares' buckets that are given up.
func Disposal(cfg aws.Config) *buckets.Disposal {
	return &buckets.Disposal{Client: s3.NewFromConfig(cfg)}
}
