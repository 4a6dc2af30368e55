package endtoend

import (
	"strings"
	"testing"
)

// reachesWhatItCalls wants an endpoint in the VPC for every service that a function in the VPC has
// called: its subnets have no other way out. The local cloud lets calls through without.
func (s *system) reachesWhatItCalls(t *testing.T) {
	endpoints, inside := map[string]bool{}, map[string]bool{}
	for _, r := range s.Stacks.Resources("Headroom-" + stage) {
		switch r.Type {
		case "AWS::EC2::VPCEndpoint":
			name, _ := r.Properties["ServiceName"].(string) // com.amazonaws.<region>.<service>
			endpoints[name[strings.LastIndex(name, ".")+1:]] = true
		case "AWS::Lambda::Function":
			inside[shortName(r.PhysicalID)] = r.Properties["VpcConfig"] != nil
		}
	}
	seen := map[string]bool{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if !inside[c.function] || seen[c.function+c.service] {
			continue
		}
		seen[c.function+c.service] = true
		if !endpoints[c.service] {
			t.Errorf("%s calls %s (%s) from the VPC, which has no endpoint for it", c.function, c.service, c.operation)
		}
	}
	if len(seen) < 8 {
		t.Errorf("only %d services were called from the VPC: %v", len(seen), seen)
	}
}
