package rds

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"

	"headroom/internal/local/machine/postgresql"
	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// The resource types that Create and Delete know.
const (
	typeInstance       = "AWS::RDS::DBInstance"
	typeParameterGroup = "AWS::RDS::DBParameterGroup"
	typeSubnetGroup    = "AWS::RDS::DBSubnetGroup"
)

// Types lists the resource types that Create and Delete know.
func Types() []string { return []string{typeInstance, typeParameterGroup, typeSubnetGroup} }

// instanceProperties is the part of AWS::RDS::DBInstance that makes a difference here.
type instanceProperties struct {
	DBInstanceIdentifier     string        `json:"DBInstanceIdentifier"`
	DBInstanceClass          string        `json:"DBInstanceClass"`
	DBName                   string        `json:"DBName"`
	DBParameterGroupName     string        `json:"DBParameterGroupName"`
	DBSubnetGroupName        string        `json:"DBSubnetGroupName"`
	Engine                   string        `json:"Engine"`
	EngineVersion            weakjson.Text `json:"EngineVersion"`
	MasterUsername           string        `json:"MasterUsername"`
	MasterUserPassword       string        `json:"MasterUserPassword"`
	ManageMasterUserPassword weakjson.Bool `json:"ManageMasterUserPassword"`
	MasterUserSecret         struct {
		KmsKeyID string `json:"KmsKeyId"`
	} `json:"MasterUserSecret"`
	AllocatedStorage       weakjson.Int   `json:"AllocatedStorage"`
	AvailabilityZone       string         `json:"AvailabilityZone"`
	BackupRetentionPeriod  days           `json:"BackupRetentionPeriod"`
	CopyTagsToSnapshot     weakjson.Bool  `json:"CopyTagsToSnapshot"`
	DeleteAutomatedBackups *weakjson.Bool `json:"DeleteAutomatedBackups"`
	DeletionProtection     weakjson.Bool  `json:"DeletionProtection"`
	KmsKeyID               string         `json:"KmsKeyId"`
	MultiAZ                weakjson.Bool  `json:"MultiAZ"`
	PubliclyAccessible     weakjson.Bool  `json:"PubliclyAccessible"`
	StorageEncrypted       weakjson.Bool  `json:"StorageEncrypted"`
	Tags                   []weakjson.Tag `json:"Tags"`
	VPCSecurityGroups      weakjson.Texts `json:"VPCSecurityGroups"`
}

// Create makes a resource of one of Types.
func (r *RDS) Create(ctx context.Context, declared resource.Resource) (resource.Created, error) {
	switch declared.Type {
	case typeInstance:
		return r.createInstance(ctx, declared)
	case typeParameterGroup:
		return r.createParameters(declared)
	case typeSubnetGroup:
		name := nameOr(declared, "DBSubnetGroupName")
		r.mu.Lock()
		defer r.mu.Unlock()
		if !r.subnets[name] {
			if err := r.underQuota("DBSubnetGroups", "DBSubnetGroupQuotaExceeded", "DB subnet group quota exceeded"); err != nil {
				return resource.Created{}, err
			}
		}
		r.subnets[name] = true
		return resource.Created{PhysicalID: name}, nil
	}
	return resource.Created{}, fmt.Errorf("rds has no resource type %s", declared.Type)
}

// Delete unmakes a resource of one of Types.
func (r *RDS) Delete(_ context.Context, declared resource.Resource) error {
	r.mu.Lock()
	switch declared.Type {
	case typeParameterGroup:
		delete(r.parameters, declared.PhysicalID)
	case typeSubnetGroup:
		delete(r.subnets, declared.PhysicalID)
	case typeInstance:
		i := r.instances[declared.PhysicalID]
		if i == nil || i.owner != owner(declared) && i.owner != "" { // one that was restored under its name is as good
			break
		}
		if i.properties.DeletionProtection {
			r.mu.Unlock()
			return fmt.Errorf("InvalidParameterCombination: cannot delete protected DB instance %s, please disable deletion protection and try again", i.identifier)
		}
		keep := i.properties.keepBackups()
		r.mu.Unlock()
		return r.remove(i, keep)
	}
	r.mu.Unlock()
	return nil
}

// createInstance makes an instance, or waits for the one that the same resource is making.
func (r *RDS) createInstance(ctx context.Context, declared resource.Resource) (resource.Created, error) {
	var properties instanceProperties
	if err := weakjson.Decode(declared.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	if properties.Engine != "postgres" {
		return resource.Created{}, fmt.Errorf("InvalidParameterValue: invalid DB engine %q", properties.Engine)
	}
	i, isNew, err := r.register(declared, properties)
	if err != nil {
		return resource.Created{}, err
	}
	if isNew {
		i.err = r.bringUp(ctx, i)
		close(i.ready)
		if i.err != nil {
			_ = r.remove(i, false) // it has no server, or one that could not be set up
		}
	}
	select {
	case <-ctx.Done():
		return resource.Created{}, ctx.Err()
	case <-i.ready:
	}
	if i.err != nil {
		return resource.Created{}, fmt.Errorf("create DB instance %s: %w", r.name(i), i.err)
	}
	return r.made(i), nil
}

// made is an instance that is available as Ref and Fn::GetAtt have it.
func (r *RDS) made(i *instance) resource.Created {
	r.mu.Lock()
	defer r.mu.Unlock()
	attributes := map[string]any{
		"Endpoint.Address": postgresql.Host, "Endpoint.Port": fmt.Sprint(i.server.Port()), "Endpoint.HostedZoneId": "Z29XKXDKYMONMX",
		"DBInstanceArn": r.arn(i.identifier), "DbiResourceId": i.resourceID,
	}
	if i.secretARN != "" {
		attributes["MasterUserSecret.SecretArn"] = i.secretARN
	}
	return resource.Created{PhysicalID: i.identifier, Attributes: attributes}
}

// register notes an instance, unless the same resource has made it already.
func (r *RDS) register(declared resource.Resource, properties instanceProperties) (*instance, bool, error) {
	identifier := strings.ToLower(nameOr(declared, "DBInstanceIdentifier"))
	r.mu.Lock()
	defer r.mu.Unlock()
	if there := r.instances[identifier]; there != nil && there.owner == owner(declared) {
		return there, false, nil
	}
	i := &instance{
		identifier: identifier, owner: owner(declared), properties: properties, tags: weakjson.Tags(declared.Tags, properties.Tags),
		resourceID: "db-" + rand.Text(),
	}
	if err := r.add(i); err != nil {
		return nil, false, err
	}
	return i, true, nil
}

// keepBackups says whether an instance's automated backups outlive it.
func (p instanceProperties) keepBackups() bool {
	return p.DeleteAutomatedBackups != nil && !bool(*p.DeleteAutomatedBackups)
}

// bringUp starts an instance's server.
func (r *RDS) bringUp(ctx context.Context, i *instance) error {
	archive, arn, err := r.newArchive(i.properties)
	if err != nil {
		return err
	}
	r.mu.Lock()
	i.archive, i.archiveARN = archive, arn
	cfg := r.config(i)
	r.mu.Unlock()
	if i.properties.ManageMasterUserPassword {
		cfg.Password = newPassword()
	}
	server, err := r.program.Start(ctx, cfg)
	if err != nil {
		return noRoom(err)
	}
	if err := r.serve(ctx, i, server); err != nil {
		return err
	}
	if i.properties.ManageMasterUserPassword {
		r.keepSecret(i, newSecret(), i.properties.MasterUserSecret.KmsKeyID, cfg.Password)
	}
	if err := wait(ctx, r.cfg.Lead); err != nil {
		return err
	}
	r.open(i)
	r.emit(i, eventCreated, "DB instance created")
	return nil
}

// serve has a server be an instance's; it runs already, and from here on it is watched.
func (r *RDS) serve(ctx context.Context, i *instance, server *postgresql.Server) error {
	r.mu.Lock()
	i.server, r.ports[i.identifier] = server, server.Port()
	r.mu.Unlock()
	return r.start(ctx, i, 0)
}

// open makes an instance available, and has it backed up, for which nobody waits.
func (r *RDS) open(i *instance) {
	r.mu.Lock()
	i.status = available
	r.mu.Unlock()
	r.work.Go(func() { r.backUp(i) })
}

func (r *RDS) createParameters(declared resource.Resource) (resource.Created, error) {
	var properties struct {
		Parameters map[string]weakjson.Text `json:"Parameters"`
	}
	if err := weakjson.Decode(declared.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	name := strings.ToLower(nameOr(declared, "DBParameterGroupName"))
	parameters := map[string]string{}
	for parameter, value := range properties.Parameters {
		parameters[parameter] = string(value)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.parameters[name] == nil {
		if err := r.underQuota("DBParameterGroups", "DBParameterGroupQuotaExceeded", "DB parameter group quota exceeded"); err != nil {
			return resource.Created{}, err
		}
	}
	r.parameters[name] = parameters
	return resource.Created{PhysicalID: name, Attributes: map[string]any{"DBParameterGroupName": name}}, nil
}

// owner tells which resource made an instance.
func owner(declared resource.Resource) string { return declared.Key() }

// nameOr is a resource's name property, or one made of its stack's and its own.
func nameOr(declared resource.Resource, property string) string {
	if name, ok := declared.Properties[property].(string); ok && name != "" {
		return name
	}
	if declared.Incarnation > 0 {
		return strings.ToLower(declared.GeneratedName())
	}
	return strings.ToLower(declared.StackName + "-" + declared.LogicalID)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
