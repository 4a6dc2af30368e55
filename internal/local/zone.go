package local

import "fmt"

// FailZone lets an availability zone fail as a whole, until RestoreZone: the machines of its instances lose their power, its
// database servers die, and nothing is started in it. What is on its disks stays. Functions, tasks, queues and tables are AWS's
// own in several zones, and go on.
func (c *Cloud) FailZone(zone string) error {
	for _, id := range c.Network.CloseZone(zone) {
		c.Machines.Darken(id)
	}
	if _, err := c.Databases.FailZone(zone); err != nil {
		return fmt.Errorf("let zone %s fail: %w", zone, err)
	}
	return nil
}

// RestoreZone has the power of a zone back: its machines boot, and its databases recover, by themselves.
func (c *Cloud) RestoreZone(zone string) error {
	for _, id := range c.Network.CloseZone(zone) {
		c.Machines.Lighten(id)
	}
	c.Network.OpenZone(zone)
	if err := c.Databases.RestoreZone(zone); err != nil {
		return fmt.Errorf("restore zone %s: %w", zone, err)
	}
	return nil
}
