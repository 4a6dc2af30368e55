package constraint

import (
	"slices"
	"strconv"
	"strings"
)

// CacheReport is a request for a report of what a share's gateway has in its cache. What it does not name is nil.
type CacheReport struct {
	FileShareARN, Role, LocationARN, BucketRegion, ClientToken *string
	Inclusion, Exclusion                                       []CacheReportFilter
	Tags                                                       []Tag
}

// CacheReportFilter is a filter of a report.
type CacheReportFilter struct {
	Name   *string
	Values []string
}

// reportFilters are the values that each filter knows.
var reportFilters = map[string][]string{
	"UploadState":         {"FailingUpload"},
	"UploadFailureReason": {"InaccessibleStorageClass", "InvalidObjectState", "ObjectMissing", "S3AccessDenied"},
}

// Start is what Storage Gateway refuses of a new report by its form.
func (r CacheReport) Start() *Refusal {
	var c Check
	c.Required("FileShareARN", r.FileShareARN)
	c.Length("FileShareARN", r.FileShareARN, 50, 500)
	c.Required("Role", r.Role)
	c.Length("Role", r.Role, 20, 2048)
	c.Match("Role", r.Role, shareRole)
	c.Required("LocationARN", r.LocationARN)
	c.Length("LocationARN", r.LocationARN, 16, 1400)
	c.Required("BucketRegion", r.BucketRegion)
	c.Length("BucketRegion", r.BucketRegion, 1, 25)
	c.Required("ClientToken", r.ClientToken)
	c.Length("ClientToken", r.ClientToken, 5, 100)
	all := slices.Concat(r.Inclusion, r.Exclusion)
	for i, filter := range all {
		member := "InclusionFilters." + strconv.Itoa(i+1) + ".member."
		c.Required(member+"name", filter.Name)
		c.OneOf(member+"name", filter.Name, "UploadState", "UploadFailureReason")
	}
	tagForm(&c, r.Tags)
	if refused := c.Refusal(); refused != nil {
		return refused
	}
	switch bucket, isBucket := strings.CutPrefix(*r.LocationARN, "arn:aws:s3:::"); {
	case !isBucket || bucket == "" || strings.Contains(bucket, "/"): // what AWS makes of a prefix is not documented
		return parameter("The specified location ARN is not valid.")
	case len(all) == 0:
		return parameter("At least one inclusion or exclusion filter must be specified.")
	}
	for _, filter := range all {
		if len(filter.Values) == 0 {
			return parameter("A filter must have a value.")
		}
		for _, value := range filter.Values {
			if !slices.Contains(reportFilters[*filter.Name], value) {
				return parameter("The specified filter value is not valid.")
			}
		}
	}
	return reserved(r.Tags)
}

// OnReport is what Storage Gateway refuses, by its form, of a request that names a report and nothing else.
func OnReport(arn *string) *Refusal {
	var c Check
	c.Required("CacheReportARN", arn)
	c.Length("CacheReportARN", arn, 50, 500)
	return c.Refusal()
}
