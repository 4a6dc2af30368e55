package local

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"headroom/internal/local/disorder"
)

// Options say what local cloud to start. Only Binary is required.
type Options struct {
	// Binary returns the directory that holds the native bootstrap of a function, or of a task's image, and the
	// files beside it, by the function's physical name, or the name of the task's container.
	Binary func(name string) (dir string, err error)

	Modules  string // the node_modules folder with the third-party parts; default "node_modules"
	Dir      string // where code, logs and disks go; default a temporary one, which Close removes
	CacheDir string // what is worth keeping from run to run; default the user's cache folder
	Listen   string // the endpoint's address, on loopback; default "127.0.0.1:0"

	Account string // twelve digits; default 123456789012
	Region  string // default eu-west-1

	// Speed is how many times faster than the machine's the cloud's clock runs: schedules, delays, visibility
	// timeouts and retries, the times that services tell, and the clock of functions that are built with the
	// tag local. Default 1. Lead times, and what a function may take, are by the machine's clock.
	Speed float64
	// RetryDelay, on the machine, brings messages of a failed batch back so soon, instead of after their
	// queue's visibility timeout, and is the time between tries of EventBridge. AWS has no such thing: it is
	// for tests in which what fails on purpose is to be tried often. Default: as AWS does, by the cloud's clock.
	RetryDelay time.Duration

	Seed       uint64           // of all that happens at random on purpose
	Deliveries disorder.Options // how untidily queues and rules deliver
	Tables     disorder.Tables  // how untidily transactions and indexes behave
	LeadTimes  LeadTimes

	// Databases is for how many database servers the disk must have room, or the cloud does not start; default 1.
	// Whether there is room for one more is looked at again whenever one is created.
	Databases int
	// ShipEvery, by the cloud's clock, is how often the logs of database servers are archived, which is how far their
	// latest restorable time lags behind; default 5 minutes, as in AWS, but never more often than every two seconds
	// of the machine's.
	ShipEvery time.Duration
	// DatabasesAdvised is how many databases a database server may have, its own among them, before RDS advises against it;
	// default however many.
	DatabasesAdvised int
	// TaskDisk is how many bytes a task may write; default what its definition says, of which the machine may have
	// less.
	TaskDisk int64
	// Stopped is told, while the cloud is closed, how many of its database servers have been stopped, of how
	// many: that is what takes time. One call at a time.
	Stopped func(stopped, of int)

	// ActivationPort is where appliances have their activation page; default 8080, which needs no
	// root, or another one if something on this machine has taken that on all addresses.
	ActivationPort int

	Log *slog.Logger // default slog.Default
}

// LeadTimes are how long things take that take minutes in AWS. Zero values are fractions of a second.
type LeadTimes struct {
	Database time.Duration // an RDS instance, once its server runs
	Launch   time.Duration // an EC2 instance, until it runs
	Boot     time.Duration // an appliance, until it gives an activation key
	Stop     time.Duration // an EC2 instance, until its machine has ended
	Reboot   time.Duration // an appliance, after its activation
	Import   time.Duration // an appliance, after it has taken over another one's gateway
	Share    time.Duration // a file share, until it is available
	Upload   time.Duration // a file on a share, from its last write until it is in its bucket
	Task     time.Duration // a task, until its image is pulled

	// Resource is waited before each resource of a stack is created; nil: nothing is.
	Resource func(stackName, resourceType string) time.Duration
}

const (
	defaultAccount        = "123456789012"
	defaultRegion         = "eu-west-1"
	defaultActivationPort = 8080
)

func (o *Options) complete() error {
	if o.Binary == nil {
		return errors.New("the local cloud needs Options.Binary")
	}
	if o.Modules == "" {
		o.Modules = "node_modules"
	}
	if _, err := os.Stat(filepath.Join(o.Modules, "fauxqs")); err != nil {
		return fmt.Errorf("find the local cloud's parts (npm ci installs them): %w", err)
	}
	if o.CacheDir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("find a place for what is kept from run to run: %w", err)
		}
		o.CacheDir = filepath.Join(cache, "headroom")
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if err := CheckListen(o.Listen); err != nil {
		return fmt.Errorf("listen for the local cloud's endpoint: %w", err)
	}
	if o.Account == "" {
		o.Account = defaultAccount
	}
	if o.Region == "" {
		o.Region = defaultRegion
	}
	if o.Speed == 0 {
		o.Speed = 1
	}
	if o.Databases == 0 {
		o.Databases = 1
	}
	if o.ActivationPort == 0 {
		port, err := freePort(defaultActivationPort)
		if err != nil {
			return fmt.Errorf("find a port for activation pages: %w", err)
		}
		o.ActivationPort = port
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return nil
}

// CheckListen refuses an endpoint's address that is not on loopback, because whoever reaches it may do everything.
func CheckListen(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !at.Addr().IsLoopback() {
		return fmt.Errorf("%q is not an address on loopback with a port, such as 127.0.0.1:4566", address)
	}
	return nil
}

// freePort returns the preferred port if nothing listens on it on any address, else another one.
func freePort(preferred int) (int, error) {
	for _, port := range []int{preferred, 0} {
		listener, err := net.Listen("tcp4", fmt.Sprintf(":%d", port))
		if err != nil {
			continue
		}
		return listener.Addr().(*net.TCPAddr).Port, listener.Close()
	}
	return 0, errors.New("there is none")
}
