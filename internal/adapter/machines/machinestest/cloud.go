// Package machinestest is an in-memory EC2 of instances and their volumes, and the cases that it and any other EC2
// have to pass. As the real one it is asynchronous: what it is asked for is done some looks later, and is seen later
// still.
package machinestest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

// Cloud holds instances and volumes.
type Cloud struct {
	// Late is how many looks each change takes.
	Late int
	// Stale has the first look after a change show what was before: EC2 is eventually consistent.
	Stale bool
	// Page is how many volumes an answer lists, if the caller wants more; 0: as many as the caller wants.
	Page int

	mu       sync.Mutex
	made     int
	full     bool
	machines map[string]*machine
	volumes  map[string]*volume
	attached int
	log      []string
}

// Attachments says which instance each volume is attached to that was not made with it, and how often one was
// attached.
func (c *Cloud) Attachments() (at map[string]string, times int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at = map[string]string{}
	for id, v := range c.volumes {
		if v.at != nil && !v.born {
			at[id] = fmt.Sprintf("%s %s %s", aws.ToString(v.at.InstanceId), aws.ToString(v.at.Device), v.at.State)
		}
	}
	return at, c.attached
}

// Log is what was done, in order, such as "stop i-1": each call that EC2 accepted and that changed something.
func (c *Cloud) Log() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.log)
}

// did notes what was done. The caller holds the lock.
func (c *Cloud) did(format string, args ...any) { c.log = append(c.log, fmt.Sprintf(format, args...)) }

// id makes an ID. The caller holds the lock.
func (c *Cloud) id(prefix string) string {
	c.made++
	return fmt.Sprintf("%s-%017x", prefix, c.made)
}

// now is when what is made next is made: each a second after what was made before. The caller holds the lock.
func (c *Cloud) now() time.Time {
	return time.Date(2026, 1, 1, 0, 0, c.made, 0, time.UTC)
}

func fault(code, format string, args ...any) error {
	return &smithy.GenericAPIError{Code: code, Message: fmt.Sprintf(format, args...)}
}

func noMachine(id string) error {
	return fault("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id)
}

func noVolume(id string) error {
	return fault("InvalidVolume.NotFound", "The volume '%s' does not exist.", id)
}

func tagList(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return out
}
