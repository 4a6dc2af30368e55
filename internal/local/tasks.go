package local

import (
	"fmt"

	"headroom/internal/local/iam"
	"headroom/internal/local/machine/postgresql"
	"headroom/internal/local/service/ecs"
)

// composeTasks makes what runs tasks. Their images have PostgreSQL's programs, which are those of the servers here.
func (c *Cloud) composeTasks() error {
	o := c.options
	bin, err := postgresql.Bin()
	if err != nil {
		return fmt.Errorf("start the local ECS: %w", err)
	}
	c.Tasks, err = ecs.New(ecs.Config{
		Account: c.Account, Region: c.Region, Endpoint: c.Endpoint, Dir: c.Dir, Program: o.Binary,
		Overlay: map[string][]byte{caBundle: c.Authority}, Path: []string{bin}, Disk: o.TaskDisk,
		Keys: c.keys, Network: c.Network, Logs: c.Logs, Assume: c.mayAssume, Emit: c.Events.Emit,
		Allowed: func(principal, action, resource string) error {
			return c.Policies.Allowed(principal, action, resource, iam.Context{})
		},
		Clock: c.Clock, Provision: o.LeadTimes.Task, Log: o.Log,
	})
	if err != nil {
		return fmt.Errorf("start the local ECS: %w", err)
	}
	c.closers = append(c.closers, c.Tasks.Close)
	return nil
}
