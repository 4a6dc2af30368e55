package rds

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// snapshot is a final snapshot. Its name is taken; what was in it is not kept here.
type snapshot struct {
	identifier, instance, resourceID string
	properties                       instanceProperties
	at, made                         time.Time // made: of the instance
	tags                             map[string]string
}

// finalSnapshot is the last snapshot of an instance, which gets its tags where it says so. The caller holds the lock.
func (r *RDS) finalSnapshot(i *instance, name string) snapshot {
	s := snapshot{name, i.identifier, i.resourceID, i.properties, r.cfg.Clock.Now(), i.created, map[string]string{}}
	if i.properties.CopyTagsToSnapshot {
		maps.Copy(s.tags, i.tags)
	}
	return s
}

// Final makes the last snapshot of an instance, as CloudFormation does before it deletes one whose policy is Snapshot. Other
// resources have none.
func (r *RDS) Final(declared resource.Resource, name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.instances[declared.PhysicalID]
	if declared.Type != typeInstance || i == nil || i.is(deleting) {
		return nil
	}
	if bool(i.properties.DeletionProtection) {
		return refused("InvalidParameterCombination", "Cannot delete protected DB Instance, please disable deletion protection and try again.")
	}
	name = strings.ToLower(name)
	r.snapshots[name] = r.finalSnapshot(i, name)
	return nil
}

// describeSnapshots answers DescribeDBSnapshots.
func (r *RDS) describeSnapshots(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		DBInstanceIdentifier string `json:"DBInstanceIdentifier"`
		DBSnapshotIdentifier string `json:"DBSnapshotIdentifier"`
		page
	}
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []any{}
	for _, name := range sortedKeys(r.snapshots) {
		s := r.snapshots[name]
		if input.DBSnapshotIdentifier != "" && strings.ToLower(input.DBSnapshotIdentifier) != name ||
			input.DBInstanceIdentifier != "" && identifierOf(input.DBInstanceIdentifier) != s.instance {
			continue
		}
		list = append(list, map[string]any{
			"DBSnapshotIdentifier": s.identifier, "DBInstanceIdentifier": s.instance, "DbiResourceId": s.resourceID, "Status": "available",
			"SnapshotType": "manual", "SnapshotCreateTime": s.at, "InstanceCreateTime": s.made, "Engine": s.properties.Engine,
			"EngineVersion": string(s.properties.EngineVersion), "AllocatedStorage": int(s.properties.AllocatedStorage),
			"MasterUsername": s.properties.MasterUsername, "Encrypted": bool(s.properties.StorageEncrypted),
			"DBSnapshotArn": r.snapshotARN(s.identifier),
			"TagList":       endpoint.List{Element: "Tag", Items: tagList(s.tags)},
		})
	}
	if input.DBSnapshotIdentifier != "" && len(list) == 0 {
		return nil, &endpoint.Error{Code: "DBSnapshotNotFound", Message: fmt.Sprintf("DBSnapshot %s not found.", input.DBSnapshotIdentifier), Status: 404}
	}
	return input.cut("DBSnapshots", "DBSnapshot", list)
}

func (r *RDS) snapshotARN(name string) string {
	return fmt.Sprintf("arn:aws:rds:%s:%s:snapshot:%s", r.cfg.Region, r.cfg.Account, name)
}

// deleteSnapshot answers DeleteDBSnapshot.
func (r *RDS) deleteSnapshot(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		DBSnapshotIdentifier string `json:"DBSnapshotIdentifier"`
	}
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	name := strings.ToLower(input.DBSnapshotIdentifier)
	s, there := r.snapshots[name]
	if !there {
		return nil, snapshotNotFound(input.DBSnapshotIdentifier)
	}
	delete(r.snapshots, name)
	return map[string]any{"DBSnapshot": map[string]any{
		"DBSnapshotIdentifier": s.identifier, "DBInstanceIdentifier": s.instance, "Status": "deleted", "DBSnapshotArn": r.snapshotARN(name),
	}}, nil
}

func snapshotNotFound(name string) error {
	return &endpoint.Error{Code: "DBSnapshotNotFound", Message: fmt.Sprintf("DBSnapshot %s not found.", name), Status: 404}
}

// addTags answers AddTagsToResource, of instances and snapshots.
func (r *RDS) addTags(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		ResourceName string
		Tags         []weakjson.Tag
	}
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, s := range r.snapshots {
		if input.ResourceName == r.snapshotARN(name) {
			s.tags = weakjson.Tags(s.tags, input.Tags)
			r.snapshots[name] = s
			return map[string]any{}, nil
		}
	}
	for _, i := range r.instances {
		if input.ResourceName == r.arn(i.identifier) {
			i.tags = weakjson.Tags(i.tags, input.Tags)
			return map[string]any{}, nil
		}
	}
	return nil, &endpoint.Error{Code: "InvalidParameterValue", Message: "Invalid resource name: " + input.ResourceName, Status: 400}
}
