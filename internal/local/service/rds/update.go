package rds

import (
	"context"
	"fmt"
	"strings"

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
// an instance gets, hold for servers that are made from then on: RDS, too, leaves most to the next restart.
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
	if group := properties.DBParameterGroupName; group != "" && r.parameters[group] == nil && !strings.HasPrefix(group, "default.") {
		r.mu.Unlock()
		return resource.Created{}, fmt.Errorf("DBParameterGroupNotFound: DB parameter group %s does not exist", group)
	}
	password, changed := properties.MasterUserPassword, properties.MasterUserPassword != i.properties.MasterUserPassword
	i.properties = properties
	r.mu.Unlock()
	if changed && !bool(properties.ManageMasterUserPassword) {
		if err := i.server.SetPassword(ctx, properties.MasterUsername, password); err != nil {
			return resource.Created{}, fmt.Errorf("modify DB instance %s: %w", i.identifier, err)
		}
	}
	return r.made(i), nil
}
