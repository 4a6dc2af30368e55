// Package route53 keeps the records that stacks make in hosted zones. Nothing serves them: who runs
// here asks Lookup.
package route53

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// Records is the fake. Its methods may be called at once.
type Records struct {
	mu     sync.Mutex
	byName map[string][]string // by name and type
}

// New returns a fake without records.
func New() *Records { return &Records{byName: map[string][]string{}} }

// Types lists the resource types that Create and Delete know.
func Types() []string { return []string{"AWS::Route53::RecordSet"} }

// Create makes a record.
func (z *Records) Create(_ context.Context, r resource.Resource) (resource.Created, error) {
	var properties struct {
		Name            string         `json:"Name"`
		Type            string         `json:"Type"`
		HostedZoneID    string         `json:"HostedZoneId"`
		HostedZoneName  string         `json:"HostedZoneName"`
		TTL             weakjson.Text  `json:"TTL"`
		ResourceRecords weakjson.Texts `json:"ResourceRecords"`
	}
	if err := weakjson.Decode(r.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	switch {
	case properties.HostedZoneID == "" && properties.HostedZoneName == "":
		return resource.Created{}, fmt.Errorf("a record set needs HostedZoneId or HostedZoneName")
	case len(properties.ResourceRecords) == 0 || properties.TTL == "":
		return resource.Created{}, fmt.Errorf("InvalidInput: a record set needs ResourceRecords and TTL")
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	z.byName[key(properties.Name, properties.Type)] = properties.ResourceRecords
	return resource.Created{PhysicalID: strings.TrimSuffix(properties.Name, ".")}, nil
}

// Delete removes a record.
func (z *Records) Delete(_ context.Context, r resource.Resource) error {
	kind, _ := r.Properties["Type"].(string)
	z.mu.Lock()
	defer z.mu.Unlock()
	delete(z.byName, key(r.PhysicalID, kind))
	return nil
}

// Lookup returns the values of a name's records of a type, such as "A".
func (z *Records) Lookup(name, kind string) []string {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.byName[key(name, kind)]
}

func key(name, kind string) string {
	return strings.ToLower(strings.TrimSuffix(name, ".")) + " " + kind
}
