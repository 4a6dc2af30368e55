// Package inventory compares what the ledger says with what there is in AWS: what is missing, what is there and nobody
// knows, what is foreign, and what is another thing than it should be. It is pure: reading is the adapter's business, and
// what is done about a finding is a person's.
package inventory

import (
	"strings"
	"time"

	"headroom/internal/pool"
)

// Marks are the tags by which a thing is known to be ours, and whose it is. A thing without a stage is not ours.
type Marks struct {
	Stage  string // headroom:stage
	Host   string // headroom:host
	Order  string // headroom:order
	Repair string // headroom:repair, of a disk that a repair keeps
}

// MarksOf reads the marks among a thing's tags.
func MarksOf(tags map[string]string) Marks {
	return Marks{Stage: tags["headroom:stage"], Host: tags["headroom:host"], Order: tags["headroom:order"], Repair: tags["headroom:repair"]}
}

// Seen is what there is of a stage in AWS, as one look found it: what bears its marks, and what has a name that is its own
// to give. It was seen before the ledger was read, so that what it has was recorded by then.
type Seen struct {
	At        time.Time // when the look began
	Stacks    []Stack
	Instances []Instance
	Machines  []Machine
	Volumes   []Volume
	Gateways  []Gateway
	Shares    []Share
	Groups    []Group
	Buckets   []Bucket
	Secrets   []Secret
	Alarms    []string // names
	Unseen    []Unseen
}

// Sort is a sort of thing in AWS.
type Sort string

// The sorts of things that are looked at.
const (
	Stacks    Sort = "stacks"
	Instances Sort = "database instances"
	Machines  Sort = "machines"
	Volumes   Sort = "volumes"
	Gateways  Sort = "gateways"
	Shares    Sort = "shares"
	Groups    Sort = "security groups"
	Buckets   Sort = "buckets"
	Secrets   Sort = "secrets"
	Alarms    Sort = "alarms"
)

// Unseen is what could not be looked at. Of its sort nothing is known, unless Of names one thing of it.
type Unseen struct {
	Sort   Sort
	Of     string // one thing; empty: the whole sort
	Why    string
	Denied bool // the caller lacks the permission
}

// Stack is a CloudFormation stack.
type Stack struct {
	Name, ID, Status    string
	Outputs, Parameters map[string]string
	Marks               Marks
}

// Sided is an output of a share host's stack that is of a side, on the side that it is on.
func (s Stack) Sided(name string) string {
	return s.Outputs[pool.SideOutput(name, s.Parameters["Side"])]
}

// Instance is an RDS instance.
type Instance struct {
	Name, Status string
	Marks        Marks
	Restoration  string // mark of the restoration that it is made for; empty: none
	Made         time.Time
	Protected    bool // from deletion
	Public       bool
	Encrypted    bool
	BackupDays   int
	Groups       []string  // IDs of its security groups
	Certificate  time.Time // until when its server's certificate is valid; zero: RDS does not say
	MasterSecret string    // ARN
}

// Machine is an EC2 instance. One that is terminated is none.
type Machine struct {
	ID, State, Image string
	Marks            Marks
}

// Volume is an EBS volume.
type Volume struct {
	ID      string
	Machine string // that it is attached to; empty: none
	Marks   Marks
}

// Gateway is a Storage Gateway.
type Gateway struct {
	ARN, Name  string
	Marks      Marks
	Deprecated time.Time // when its appliance gets no more updates; zero: it is not known, or not soon
}

// Share is an NFS file share.
type Share struct {
	ID, Gateway, Bucket, Status string // ARNs of gateway and bucket
	Name                        string // its path, without the slash
	Clients                     []string
	Marks                       Marks
	State, Tenant, Generation   string // its tags headroom:state, headroom:tenant and headroom:generation
}

// Goes reports whether a share is being deleted: it stands no more, whatever it still shows.
func (s Share) Goes() bool { return strings.HasSuffix(s.Status, pool.ShareDeleting) } // FORCE_DELETING, too

// Group is a security group of a host.
type Group struct {
	ID    string
	Marks Marks
	Lets  []string // IPv4 networks that it lets in to the port of NFS
}

// Bucket is a bucket of a share.
type Bucket struct {
	Name  string
	Slot  string // mark of the slot that it is part of (pool.Host.SlotMark); empty: it bears none
	Marks Marks
}

// Secret is a tenant's secret. Its value is never read.
type Secret struct {
	Name, ARN string
	Made      time.Time
	Tags      map[string]string
}
