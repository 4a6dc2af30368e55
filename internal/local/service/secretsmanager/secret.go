package secretsmanager

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
)

// Managed is a secret that another service makes and owns.
type Managed struct {
	Name  string // such as "rds!db-…"
	Owner string // such as "rds"
	KeyID string
	Tags  map[string]string
	Value string
}

// SetManaged makes a service's secret, or gives it a new value, and returns its ARN.
func (s *Secrets) SetManaged(managed Managed) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.byName[managed.Name]
	if found == nil {
		found = s.addLocked(managed.Name, managed.KeyID, managed.Owner, maps.Clone(managed.Tags))
	}
	found.stage(&version{id: newToken(), text: managed.Value, created: s.cfg.Now()})
	return found.arn
}

// RemoveManaged deletes a service's secret, at once, as the services do.
func (s *Secrets) RemoveManaged(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found, err := s.find(arn); err == nil {
		delete(s.byName, found.name)
	}
}

func (s *Secrets) addLocked(name, keyID, owner string, tags map[string]string) *secret {
	now := s.cfg.Now()
	made := &secret{
		name: name, keyID: keyID, owner: owner, tags: tags, created: now, changed: now,
		arn:      fmt.Sprintf("arn:aws:secretsmanager:%s:%s:secret:%s-%s", s.cfg.Region, s.cfg.Account, name, rand.Text()[:6]),
		versions: map[string]*version{},
	}
	if made.tags == nil {
		made.tags = map[string]string{}
	}
	s.byName[name] = made
	return made
}

// stage makes a version the current one.
func (x *secret) stage(v *version) {
	x.versions[v.id] = v
	x.previous, x.current = x.current, v.id
	x.staged, x.changed = v.created, v.created
}

// stagesOf lists the stages of a version.
func (x *secret) stagesOf(id string) []string {
	var stages []string
	if id == x.current {
		stages = append(stages, "AWSCURRENT")
	}
	if id == x.previous {
		stages = append(stages, "AWSPREVIOUS")
	}
	return stages
}

// named is the answer to CreateSecret.
func (x *secret) named(version string) map[string]any {
	return map[string]any{"ARN": x.arn, "Name": x.name, "VersionId": version}
}

// stagedAs is the answer to PutSecretValue.
func (x *secret) stagedAs(version string) map[string]any {
	answer := x.named(version)
	answer["VersionStages"] = x.stagesOf(version)
	return answer
}

// described is a secret as DescribeSecret answers it; the caller holds the lock.
func (x *secret) described() map[string]any {
	stages := map[string]any{}
	for id := range x.versions {
		if of := x.stagesOf(id); len(of) > 0 {
			stages[id] = of
		}
	}
	output := map[string]any{
		"ARN": x.arn, "Name": x.name, "VersionIdsToStages": stages, "Tags": tagList(x.tags),
		"CreatedDate": epoch(x.created), "LastChangedDate": epoch(x.changed),
	}
	for name, value := range map[string]string{
		"KmsKeyId": x.keyID, "Description": x.description, "OwningService": x.owner,
	} {
		if value != "" {
			output[name] = value
		}
	}
	if !x.deleted.IsZero() {
		output["DeletedDate"] = epoch(x.deleted)
	}
	return output
}

func tagList(tags map[string]string) []any {
	list := []any{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, map[string]any{"Key": key, "Value": tags[key]})
	}
	return list
}
