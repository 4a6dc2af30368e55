package constraint

import "regexp"

// noSuchResource is how Service Quotas calls all that it does not know.
const noSuchResource = "NoSuchResourceException"

var quotaCode = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9-]{1,128}`)

// QuotaNamed refuses a quota that is not named as Service Quotas wants it (API Reference, GetServiceQuota).
func QuotaNamed(service, code *string) *Refusal {
	var c Check
	c.Required("ServiceCode", service)
	c.Length("ServiceCode", service, 1, 63)
	c.Match("ServiceCode", service, quotaCode)
	c.Required("QuotaCode", code)
	c.Length("QuotaCode", code, 1, 128)
	c.Match("QuotaCode", code, quotaCode)
	if message := c.Message(); message != "" {
		return &Refusal{Code: "IllegalArgumentException", Message: message}
	}
	return nil
}

// NoQuotaService refuses a service of which Service Quotas knows nothing.
func NoQuotaService() *Refusal {
	return &Refusal{Code: noSuchResource, Message: "The request failed because the specified service does not exist."}
}

// NoQuota refuses a quota that Service Quotas does not know, or of which it knows AWS's default only; it says no more.
func NoQuota() *Refusal { return &Refusal{Code: noSuchResource} }

// QuotaDependency is the error that the answer about a quota bears in place of a value, where Service Quotas asks another service as the
// caller, who may not ask that (API Reference, "ErrorReason").
const QuotaDependency = "DEPENDENCY_ACCESS_DENIED_ERROR"
