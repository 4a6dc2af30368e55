package rds

import (
	"context"
	"fmt"

	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// schemas say which properties a resource keeps for life.
var schemas = map[string]resource.Schema{
	typeInstance: {
		Name: "DBInstanceIdentifier", Tagged: true,
		CreateOnly: []string{"CharacterSetName", "DBName", "DBSubnetGroupName", "Engine", "KmsKeyId", "MasterUsername", "StorageEncrypted", "Timezone"},
	},
	typeParameterGroup: {Name: "DBParameterGroupName", CreateOnly: []string{"Description", "Family"}, Tagged: true},
	typeSubnetGroup:    {Name: "DBSubnetGroupName", Tagged: true},
}

// Schema says which properties a resource keeps for life.
func (r *RDS) Schema(resourceType string) resource.Schema { return schemas[resourceType] }

// Update changes a resource of one of Types. The parameters of a group that is changed, as those of a group that
// an instance gets, hold from a reboot on, and for servers that are made: RDS, too, leaves most to that.
func (r *RDS) Update(ctx context.Context, before, after resource.Resource) (resource.Created, error) {
	switch after.Type {
	case typeInstance:
		return r.updateInstance(ctx, before, after)
	case typeParameterGroup:
		return r.createParameters(after)
	default:
		return r.Create(ctx, after)
	}
}

func (r *RDS) updateInstance(ctx context.Context, before, after resource.Resource) (resource.Created, error) {
	err := resource.Fixed(before, after, "EngineVersion", "ManageMasterUserPassword", "MasterUserSecret", "Port")
	if err != nil {
		return resource.Created{}, err
	}
	var properties instanceProperties
	if err := weakjson.Decode(after.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	r.mu.Lock()
	i := r.instances[after.PhysicalID]
	if i == nil || i.status == deleting {
		r.mu.Unlock()
		return resource.Created{}, notFound(after.PhysicalID)
	}
	if err := r.knowsGroup(properties.DBParameterGroupName); err != nil {
		r.mu.Unlock()
		return resource.Created{}, err
	}
	password, changed := properties.MasterUserPassword, properties.MasterUserPassword != i.properties.MasterUserPassword
	period, backups := properties.BackupRetentionPeriod, i.properties.BackupRetentionPeriod.days() > 0
	switched := period.days() > 0 != backups
	if switched { // it is when its server has restarted
		properties.BackupRetentionPeriod = i.properties.BackupRetentionPeriod
	}
	i.pending.group = i.pending.group || properties.DBParameterGroupName != i.properties.DBParameterGroupName
	properties.MasterUserSecret = i.properties.MasterUserSecret
	i.properties, i.tags = properties, weakjson.Tags(after.Tags, properties.Tags)
	r.mu.Unlock()
	if changed && !bool(properties.ManageMasterUserPassword) {
		if err := i.server.SetPassword(ctx, properties.MasterUsername, password); err != nil {
			return resource.Created{}, fmt.Errorf("modify DB instance %s: %w", r.name(i), err)
		}
	}
	if switched {
		i.changing.Lock()
		defer i.changing.Unlock()
		if err := r.retain(i, period); err != nil {
			return resource.Created{}, fmt.Errorf("modify DB instance %s: %w", r.name(i), err)
		}
	}
	return r.made(i), nil
}
