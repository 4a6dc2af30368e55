package rds

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"headroom/internal/local/machine/postgresql"
	"headroom/internal/local/resource"
	"headroom/internal/local/service/secretsmanager"
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
	AllocatedStorage      weakjson.Int  `json:"AllocatedStorage"`
	BackupRetentionPeriod weakjson.Int  `json:"BackupRetentionPeriod"`
	DeletionProtection    weakjson.Bool `json:"DeletionProtection"`
	MultiAZ               weakjson.Bool `json:"MultiAZ"`
	StorageEncrypted      weakjson.Bool `json:"StorageEncrypted"`
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
		if i == nil || i.owner != owner(declared) {
			break
		}
		if i.properties.DeletionProtection {
			r.mu.Unlock()
			return fmt.Errorf("InvalidParameterCombination: cannot delete protected DB instance %s, please disable deletion protection and try again", i.identifier)
		}
		r.mu.Unlock()
		return r.remove(i)
	}
	r.mu.Unlock()
	return nil
}

// remove stops an instance and forgets it, with its secret.
func (r *RDS) remove(i *instance) error {
	<-i.ready
	r.mu.Lock()
	i.status = deleting
	r.mu.Unlock()
	if i.server != nil {
		if err := i.server.Close(); err != nil {
			return fmt.Errorf("stop DB instance %s: %w", i.identifier, err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.instances, i.identifier)
	if i.secretARN != "" {
		r.cfg.Secrets.RemoveManaged(i.secretARN)
	}
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
			_ = r.remove(i) // it has no server, or one that could not be set up
		}
	}
	select {
	case <-ctx.Done():
		return resource.Created{}, ctx.Err()
	case <-i.ready:
	}
	if i.err != nil {
		return resource.Created{}, fmt.Errorf("create DB instance %s: %w", i.identifier, i.err)
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
	if there := r.instances[identifier]; there != nil {
		if there.owner == owner(declared) {
			return there, false, nil
		}
		return nil, false, fmt.Errorf("DBInstanceAlreadyExists: DB instance %s already exists", identifier)
	}
	if group := properties.DBSubnetGroupName; group != "" && !r.subnets[group] {
		return nil, false, fmt.Errorf("DBSubnetGroupNotFoundFault: DB subnet group %s does not exist", group)
	}
	if group := properties.DBParameterGroupName; group != "" && r.parameters[group] == nil && !strings.HasPrefix(group, "default.") {
		return nil, false, fmt.Errorf("DBParameterGroupNotFound: DB parameter group %s does not exist", group)
	}
	i := &instance{
		identifier: identifier, owner: owner(declared), properties: properties, status: creating,
		resourceID: "db-" + rand.Text(), created: r.cfg.Clock.Now(), ready: make(chan struct{}),
	}
	r.instances[identifier] = i
	return i, true, nil
}

// bringUp starts an instance's server.
func (r *RDS) bringUp(ctx context.Context, i *instance) error {
	password := i.properties.MasterUserPassword
	if i.properties.ManageMasterUserPassword {
		password = newPassword()
	}
	r.mu.Lock()
	group := maps.Clone(r.parameters[i.properties.DBParameterGroupName])
	r.mu.Unlock()
	server, err := r.program.Start(ctx, postgresql.Config{
		Name: i.identifier, LogDir: r.cfg.LogDir, Authority: r.cfg.Authority, Parameters: group,
		Master: i.properties.MasterUsername, Password: password, Database: i.properties.DBName,
	})
	if errors.As(err, new(*postgresql.NoRoomError)) {
		return fmt.Errorf("InsufficientDBInstanceCapacity: %w", err)
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	i.server = server
	r.mu.Unlock()
	if err := r.start(ctx, i, 0); err != nil { // it runs already, and from here on it is watched
		return err
	}
	if i.properties.ManageMasterUserPassword {
		r.keepSecret(i, "rds!db-"+newUUID(), password)
	}
	timer := time.NewTimer(r.cfg.Lead)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i.status = available
	return nil
}

// keepSecret puts the master user's password where RDS does.
func (r *RDS) keepSecret(i *instance, name, password string) {
	value, _ := json.Marshal(map[string]string{"username": i.properties.MasterUsername, "password": password}) // strings always encode
	arn := r.cfg.Secrets.SetManaged(secretsmanager.Managed{
		Name: name, Owner: "rds", KeyID: i.properties.MasterUserSecret.KmsKeyID, Value: string(value),
		Tags: map[string]string{"aws:rds:primaryDBInstanceArn": r.arn(i.identifier), "aws:secretsmanager:owningService": "rds"},
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	i.secretARN = arn
}

// RotateMaster gives an instance's master user a new password, as RDS does every seven days.
func (r *RDS) RotateMaster(ctx context.Context, identifier string) error {
	r.mu.Lock()
	i := r.instances[identifier]
	r.mu.Unlock()
	if i == nil || i.secretARN == "" {
		return fmt.Errorf("rotate the master password of %s: no such instance with a managed password", identifier)
	}
	password := newPassword()
	if err := i.server.SetPassword(ctx, i.properties.MasterUsername, password); err != nil {
		return err
	}
	name := i.secretARN[strings.LastIndex(i.secretARN, ":")+1:]
	r.keepSecret(i, name[:len(name)-len("-123456")], password)
	return nil
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

// newPassword makes a password with the characters that RDS's have: quoting has to be right.
func newPassword() string { return rand.Text()[:24] + "~!$%'\"<>" }

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, as crypto/rand says
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
