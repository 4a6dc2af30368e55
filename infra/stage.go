package main

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"

	"headroom/internal/pool"
)

// Stage is one deployment of Headroom: its sizes and the policies that it starts with.
type Stage struct {
	Name string // part of every name, "dev"

	TerminationProtection bool // of the control plane

	NetworkCIDR   string // of the VPC, which nothing else may use
	Zones         int    // availability zones with a subnet
	EndpointZones int    // zones in which each interface endpoint has a (paid) network interface

	// RestoreDays is how many days a tenant can be put back to: databases' backups and the buckets' old
	// versions are kept that long.
	RestoreDays int

	LogRetention awslogs.RetentionDays
	LogRemoval   awscdk.RemovalPolicy // what happens to logs when the stack is deleted

	// Tracing has Lambda trace each invocation with X-Ray (active tracing), which costs by the trace. Nothing is linked for
	// that: what AWS's services say of a call is all that is traced. The way of one message is in the logs at any rate
	// (docs/operations.md, "One thread").
	Tracing bool

	// SignupConcurrency is how many invocations at once each of signup's queues may cause, of signupBatch messages
	// each. It bounds the signups in work, of which each may log in to the instance that is being filled. One
	// takes about five signups a second; a tier's shelf takes what twenty do (internal/ledger/dynamo, load_test.go).
	SignupConcurrency int

	Databases DatabaseHosts
	Shares    ShareHosts

	// Pools are the pool policies at the first deployment. Later they are changed in the SSM
	// parameter, without a deployment; a deployment puts them back only where they differ here from
	// the deployment before.
	//
	// Their ceilings bound the bill of a stage that has gone mad, and prod's end where an account does: at
	// 5,000 IAM roles, of which each share has one. What is kept free follows from the forecast. A host's price is
	// about its list price in us-east-1, disks included.
	Pools pool.Policies

	// Terms are how long tenants' ways out and moves last, in the same parameter.
	Terms pool.Terms
}

// DatabaseHosts says what an RDS instance of a stage is like.
type DatabaseHosts struct {
	Class              string // RDS instance class
	StorageGiB         int    // to begin with
	MaxStorageGiB      int    // RDS grows the storage up to here; at most twice as much (see storageAlarmBytes)
	MaxConnections     int    // of all tenants together, and some for Headroom; the class's memory bounds it
	LowMemoryMiB       int    // free memory below which the host takes no more tenants
	MultiZone          bool   // a standby in another zone
	DeletionProtection bool
	Removal            awscdk.RemovalPolicy // of the instance when its stack is deleted
}

// ShareHosts says what a gateway's machine is like.
type ShareHosts struct {
	InstanceType string // xlarge or larger (S3 File Gateway's requirements)
	RootGiB      int    // 80 or more
	CacheGiB     int    // 150 or more; never resized, only added to
}

// databaseSlots is for how many slots an instance has connections: those of its tenants, beside one for each
// signup that may be in work, because all of them may be on the instance that is being filled.
func (s Stage) databaseSlots() int {
	const signupQueues = 2
	forHeadroom := signupQueues * s.SignupConcurrency * signupBatch
	return (s.Databases.MaxConnections - forHeadroom) / pool.TenantConnections
}

// keepEmpty is how long what was wanted keeps an empty host.
const keepEmpty = pool.Term(24 * time.Hour)

// Stages are the deployments there are.
var Stages = []Stage{
	{
		Name:              "dev",
		NetworkCIDR:       "10.40.0.0/16",
		Zones:             2, // an RDS subnet group wants two
		EndpointZones:     1,
		RestoreDays:       1,
		LogRetention:      awslogs.RetentionDays_TWO_WEEKS,
		LogRemoval:        awscdk.RemovalPolicy_DESTROY,
		SignupConcurrency: 2,
		Databases: DatabaseHosts{
			Class: "db.t4g.medium", StorageGiB: 50, MaxStorageGiB: 100,
			MaxConnections: 440, LowMemoryMiB: 256,
			Removal: awscdk.RemovalPolicy_DESTROY,
		},
		Shares: ShareHosts{InstanceType: "m5.xlarge", RootGiB: 80, CacheGiB: 150},
		Pools: pool.Policies{
			{
				Kind: pool.Database, Tier: "standard", SlotsPerHost: 20, Floor: 1, Ceiling: 25,
				ServeAtOnce: 99, BufferSlots: 5, MaxOrders: 2, Placement: pool.Pack, KeepEmpty: keepEmpty, HostPrice: 65,
			},
			{
				Kind: pool.Share, Tier: "standard", SlotsPerHost: 10, Floor: 1, Ceiling: 50,
				ServeAtOnce: 99, BufferSlots: 5, MaxOrders: 2, Placement: pool.Pack, KeepEmpty: keepEmpty, HostPrice: 165,
			},
		},
		Terms: pool.Terms{
			Grace: pool.Term(24 * time.Hour), GraceMost: pool.Term(7 * 24 * time.Hour), CoolDown: pool.Term(time.Hour),
			Retain: pool.Term(7 * 24 * time.Hour), Change: pool.Term(24 * time.Hour), Steady: pool.DefaultTerms.Steady,
		},
	},
	{
		Name:                  "prod",
		TerminationProtection: true,
		NetworkCIDR:           "10.50.0.0/16",
		Zones:                 2,
		EndpointZones:         2,
		RestoreDays:           14,
		LogRetention:          awslogs.RetentionDays_ONE_YEAR,
		LogRemoval:            awscdk.RemovalPolicy_RETAIN,
		SignupConcurrency:     4,
		Databases: DatabaseHosts{
			Class: "db.m7g.large", StorageGiB: 200, MaxStorageGiB: 400,
			MaxConnections: 880, LowMemoryMiB: 512,
			MultiZone: true, DeletionProtection: true,
			Removal: awscdk.RemovalPolicy_SNAPSHOT,
		},
		Shares: ShareHosts{InstanceType: "m5.xlarge", RootGiB: 80, CacheGiB: 500},
		Pools: pool.Policies{
			{
				Kind: pool.Database, Tier: "standard", SlotsPerHost: 40, Floor: 2, Ceiling: 122,
				ServeAtOnce: 99, BufferSlots: 2, MaxOrders: 16, Placement: pool.Pack, KeepEmpty: keepEmpty, HostPrice: 325,
			},
			{
				Kind: pool.Share, Tier: "standard", SlotsPerHost: 10, Floor: 3, Ceiling: 490,
				ServeAtOnce: 99, BufferSlots: 2, MaxOrders: 32, Placement: pool.Pack, KeepEmpty: keepEmpty, HostPrice: 207,
			},
		},
		Terms: pool.DefaultTerms,
	},
}

// logDays is how many days a retention of logs is.
var logDays = map[awslogs.RetentionDays]int{awslogs.RetentionDays_TWO_WEEKS: 14, awslogs.RetentionDays_ONE_YEAR: 365}
