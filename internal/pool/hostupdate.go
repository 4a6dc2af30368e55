package pool

import (
	"fmt"
	"slices"
	"strings"
)

// refused is how begins what came of an update that was refused.
const refused = "refused: "

// Refuse notes that the update of a host's stack was refused, and why.
func (r Repair) Refuse(against []string) Repair { return r.Came(refused + strings.Join(against, "; ")) }

// Refused is why what a person wanted of a host was refused, so that it is as it was; empty: it was not.
func (r Repair) Refused() string {
	if n := len(r.Tried); n > 0 && r.Tried[n-1].Way == WayUpdate && strings.HasPrefix(r.Tried[n-1].Came, refused) {
		return strings.TrimPrefix(r.Tried[n-1].Came, refused)
	}
	return ""
}

// replaceable are the types of a host's resources that may be replaced or removed by an update: nothing is kept in them.
var replaceable = map[string]bool{"AWS::CloudWatch::Alarm": true}

// untouched are the types of which no update changes a property: cache disks are never resized (S3 File Gateway user guide,
// "Adding cache storage"), and what changes of a machine stops it, which is a wish of its own.
var untouched = map[string]bool{"AWS::EC2::Volume": true, "AWS::EC2::Instance": true}

// RefuseUpdate returns every reason against an update of a standing host's stack, by what its change set would do; none: it
// may be done. An update may add and change, but of what holds a tenant's data or way to it nothing is replaced or
// removed, nor of what CloudFormation can't say beforehand whether it is.
func RefuseUpdate(changes []ResourceChange) []string {
	var reasons []string
	for _, c := range changes {
		switch {
		case c.Action == "Modify" && untouched[c.Type] && !slices.Equal(c.Scope, []string{"Tags"}):
			reasons = append(reasons, fmt.Sprintf("%s (%s) would be changed (%s)", c.Resource, c.Type, c.Replacement))
		case c.Action == "Add", replaceable[c.Type], c.Action == "Modify" && c.Replacement == "False":
		case c.Action == "Modify" && c.Replacement != "":
			reasons = append(reasons, fmt.Sprintf("%s (%s) would be replaced (%s)", c.Resource, c.Type, c.Replacement))
		default:
			reasons = append(reasons, fmt.Sprintf("%s (%s): %s", c.Resource, c.Type, c.Action))
		}
	}
	return reasons
}
