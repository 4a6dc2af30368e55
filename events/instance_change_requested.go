package events

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// TypeInstanceChangeRequested is the type of InstanceChangeRequested.
const TypeInstanceChangeRequested = "InstanceChangeRequested"

// InstanceChangeRequested asks that other addresses than before are let in to a tenant's share, because the customer's
// application server is replaced. What is added is served before what is removed is put out; a rolling replacement may
// also ask for the one first, and for the other once AccessChanged says that it is served. Instance change queue, from
// the customer's side.
type InstanceChangeRequested struct {
	Version     string   `json:"version"`
	Type        string   `json:"type"`
	TenantID    string   `json:"tenantId"`
	Add         []string `json:"add,omitempty"`         // IPv4 unicast addresses
	Remove      []string `json:"remove,omitempty"`      // addresses of the tenant; the last one goes only when the tenant leaves
	Reason      string   `json:"reason,omitempty"`      // stands in the history; the customer's own systems need give none
	RequestedBy string   `json:"requestedBy,omitempty"` // likewise
	Correlated
}

// ParseInstanceChangeRequested reads and validates the body of an instance change message, as ParseSignupRequested does
// one of a signup. What is wrong with an address of a list is said by its number, from 1.
func ParseInstanceChangeRequested(body []byte) (InstanceChangeRequested, error) {
	var request InstanceChangeRequested
	object, invalid := readObject(body, maxRequest, "version", "type", "tenantId", "add", "remove", "reason", "requestedBy")
	if invalid != nil {
		return request, invalid
	}
	bad := object.read([]requestField{
		{"version", &request.Version, checkVersion},
		{"type", &request.Type, func(v string) *FieldError { return checkType(v, TypeInstanceChangeRequested) }},
		{"tenantId", &request.TenantID, func(v string) *FieldError { return checkPattern("tenantId", v, tenantIDPattern()) }},
		{"reason", &request.Reason, func(v string) *FieldError { return checkOptionalWords("reason", v) }},
		{"requestedBy", &request.RequestedBy, func(v string) *FieldError { return checkOptionalWords("requestedBy", v) }},
	})
	var added, removed *FieldError
	request.Add, added = object.addresses("add")
	request.Remove, removed = object.addresses("remove")
	bad = append(bad, added, removed)
	for i, address := range request.Remove {
		if slices.Contains(request.Add, address) {
			bad = append(bad, &FieldError{Field: "remove", Reason: fmt.Sprintf("has number %d, which is added as well", i+1)})
		}
	}
	if len(request.Add)+len(request.Remove) == 0 && added == nil && removed == nil {
		bad = append(bad, &FieldError{Field: "add", Reason: "is missing, and so is remove"})
	}
	return request, fieldErrors(bad...)
}

// addresses is the value of a member that is to be a list of addresses, each there once; empty if it is not there, or is
// null.
func (o *object) addresses(name string) ([]string, *FieldError) {
	if bad := o.bad[name]; bad != nil {
		return nil, bad
	}
	value, ok := o.values[name]
	if !ok || value.Kind() == jsontext.KindNull {
		return nil, nil
	}
	if kind := value.Kind(); kind != jsontext.KindBeginArray {
		return nil, &FieldError{Field: name, Reason: "is not a list"}
	}
	var list []string
	if err := json.Unmarshal(value, &list); err != nil {
		return nil, &FieldError{Field: name, Reason: "is not a list of strings"}
	}
	for i, address := range list {
		if bad := checkAddress(address); bad != "" {
			return nil, &FieldError{Field: name, Reason: fmt.Sprintf("has number %d, which %s", i+1, bad)}
		}
		if slices.Contains(list[:i], address) {
			return nil, &FieldError{Field: name, Reason: fmt.Sprintf("has number %d, which is there twice", i+1)}
		}
	}
	return list, nil
}
