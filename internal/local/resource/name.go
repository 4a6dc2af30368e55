package resource

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
)

// Key tells a resource from all others, those whose place it took included.
func (r Resource) Key() string {
	key := r.StackID + "/" + r.LogicalID
	if r.Incarnation > 0 {
		key += "/" + strconv.Itoa(r.Incarnation)
	}
	return key
}

// Name is a resource's name: the property that names it, else a generated one.
func (r Resource) Name(property string) string {
	if name, ok := r.Properties[property].(string); ok && name != "" {
		return name
	}
	return r.GeneratedName()
}

// GeneratedName is the name that CloudFormation gives to a resource whose template gives none:
// stack, logical id and twelve characters that belong to this very resource, at most 63 long.
func (r Resource) GeneratedName() string {
	sum := sha256.Sum256([]byte(r.Key()))
	suffix := base32.StdEncoding.EncodeToString(sum[:])[:12]
	logicalID := r.LogicalID
	if len(logicalID) > 20 {
		logicalID = logicalID[:20]
	}
	stackName := r.StackName
	if room := 63 - 2 - len(suffix) - len(logicalID); len(stackName) > room {
		stackName = stackName[:room]
	}
	return stackName + "-" + logicalID + "-" + suffix
}
