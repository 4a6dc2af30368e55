package hostrepair

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
)

// stack is a host's stack: machine, interface and disks.
type stack struct {
	id, card, status, reason string
	parameters, outputs      map[string]string
	tags                     map[string]string            // of what it makes
	used                     map[string]map[string]string // parameters that each token was used for
	phases                   []phase
	sets                     map[string]proposal
	roles                    []string
}

type proposal struct {
	parameters map[string]string
	ready      time.Time
	changes    []pool.ResourceChange
}

// phase is what an update does next, when it is due; it answers whether it is through.
type phase struct {
	due time.Time
	do  func() bool
}

const (
	lookTime  = 12 * time.Second // that CloudFormation takes to begin, and to see what came of it
	setTime   = 20 * time.Second
	imagesSet = "ImageId"
)

func (s *stack) tick(c *center) {
	for len(s.phases) > 0 && !s.phases[0].due.After(c.now()) {
		next := s.phases[0]
		if !next.do() {
			s.phases[0].due = c.now().Add(lookTime)
			return
		}
		s.phases = slices.Delete(s.phases, 0, 1)
	}
}

// then adds a phase after the others.
func (s *stack) then(c *center, do func() bool) {
	s.phases = append(s.phases, phase{c.now().Add(lookTime * time.Duration(len(s.phases)+1)), do})
}

func (c *center) describe(id string) (pool.StackStatus, error) {
	c.tick()
	s := c.stacks[id]
	if s == nil {
		return pool.StackStatus{}, fmt.Errorf("stack %s: %w", id, pool.ErrNotFound)
	}
	return pool.StackStatus{
		ID: id, Name: id, Status: s.status, Reason: s.reason, Outputs: maps.Clone(s.outputs), Parameters: maps.Clone(s.parameters), Tags: maps.Clone(s.tags),
	}, nil
}

func (c *center) update(change pool.StackChange) (changed bool, err error) {
	c.acts()
	s := c.stacks[change.Name]
	if s == nil {
		return false, fmt.Errorf("update stack %s: %w", change.Name, pool.ErrNotFound)
	}
	if used, again := s.used[change.Token]; again {
		if !maps.Equal(used, change.Parameters) {
			return false, fmt.Errorf("token %s was used for another update", change.Token)
		}
		return true, nil
	}
	if strings.HasSuffix(s.status, "_IN_PROGRESS") {
		return false, fmt.Errorf("stack %s is %s: %w", s.id, s.status, pool.ErrInTransit)
	}
	if change.RoleARN == "" || change.TemplateURL != "" {
		return false, fmt.Errorf("update stack %s: by nobody, or to another template", s.id)
	}
	now := maps.Clone(s.parameters)
	for name, value := range change.Parameters {
		if _, there := now[name]; !there {
			return false, fmt.Errorf("stack %s has no parameter %s", s.id, name)
		}
		now[name] = value
	}
	if maps.Equal(now, s.parameters) {
		return false, nil
	}
	s.used[change.Token] = maps.Clone(change.Parameters)
	c.carryOut(s, now)
	return true, nil
}

// carryOut begins an update of a stack to parameters.
func (c *center) carryOut(s *stack, to map[string]string) {
	from := s.parameters
	s.parameters, s.status, s.reason = to, "UPDATE_IN_PROGRESS", ""
	back := func(why string) {
		s.status, s.reason = "UPDATE_ROLLBACK_IN_PROGRESS", why
		s.then(c, func() bool {
			s.status, s.parameters = "UPDATE_ROLLBACK_COMPLETE", from
			return true
		})
	}
	had, has := from["HasMachine"] == "true", to["HasMachine"] == "true"
	s.then(c, func() bool {
		old := c.at(s.card)
		switch {
		case c.failing > 0:
			c.failing--
			if has && !had { // the machine was made, and is ended again: its root disk outlives it
				m := c.launch(s, false)
				m.state, m.next, m.ended, m.disks = pool.MachineTerminated, "", c.now(), map[string]*disk{}
			}
			back("it was told to fail")
		case had && !has:
			s.status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
			if to["Fence"] != from["Fence"] {
				c.fence(s, to["Side"], to["Fence"] == "on")
			}
			delete(s.outputs, "MachineId")
			s.then(c, func() bool { // what is taken away is deleted last
				if old != nil {
					c.terminate(old, true)
				}
				return true
			})
			s.then(c, func() bool {
				if c.at(s.card) != nil {
					return false
				}
				s.status = "UPDATE_COMPLETE"
				return true
			})
		case has && (!had || from[imagesSet] != to[imagesSet]):
			if old != nil {
				back("InvalidNetworkInterface.InUse: " + s.card)
				return true
			}
			if to["Side"] != from["Side"] {
				c.refit(s, to["Side"])
			} else if to["Fence"] != from["Fence"] {
				c.fence(s, to["Side"], to["Fence"] == "on")
			}
			m := c.launch(s, false)
			s.then(c, func() bool {
				if m.state == pool.MachinePending {
					return false
				}
				s.outputs["MachineId"], s.status = m.id, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
				s.then(c, func() bool {
					if to["Side"] != from["Side"] {
						c.leaveSide(s, from["Side"])
					}
					s.status = "UPDATE_COMPLETE"
					return true
				})
				return true
			})
		case has && from["InstanceType"] != to["InstanceType"]:
			c.resize(s, old, to["InstanceType"], back)
		default:
			s.status = "UPDATE_COMPLETE"
		}
		return true
	})
}

// resize stops a machine, and starts it with another size.
func (c *center) resize(s *stack, m *instance, kind string, back func(string)) {
	if m == nil || c.stop(m.id) != nil {
		back("it can't be stopped")
		return
	}
	ended := func() bool { // somebody ended it meanwhile
		if m.state == pool.MachineTerminated {
			s.phases = s.phases[:1]
			back("there is no machine " + m.id)
			return true
		}
		return false
	}
	s.then(c, func() bool {
		if ended() {
			return true
		}
		if m.state != pool.MachineStopped || c.start(m.id) != nil {
			return false
		}
		m.kind = kind
		return true
	})
	s.then(c, func() bool {
		if ended() {
			return true
		}
		if m.state == pool.MachinePending {
			return false
		}
		s.status = "UPDATE_COMPLETE"
		return true
	})
}

// preview says what a change set would do, once it is there.
func (c *center) preview(change pool.StackChange, name string) ([]pool.ResourceChange, error) {
	c.acts()
	s := c.stacks[change.Name]
	set, there := s.sets[name]
	if !there {
		if strings.HasSuffix(s.status, "_IN_PROGRESS") {
			return nil, fmt.Errorf("stack %s is %s: %w", s.id, s.status, pool.ErrInTransit)
		}
		to := maps.Clone(s.parameters)
		maps.Copy(to, change.Parameters)
		set = proposal{parameters: to, ready: c.now().Add(setTime), changes: []pool.ResourceChange{{Action: "Add", Resource: "Alarm", Type: "AWS::CloudWatch::Alarm"}}}
		if image, named := change.Parameters[imagesSet]; named && image != s.parameters[imagesSet] {
			set.changes = append(set.changes, pool.ResourceChange{Action: "Modify", Resource: "Machine", Type: "AWS::EC2::Instance", Replacement: "True"})
		}
		if maps.Equal(to, s.parameters) {
			set.changes = nil
		}
		s.sets[name] = set
	}
	if set.ready.After(c.now()) {
		return nil, fmt.Errorf("change set %s: %w", name, pool.ErrInTransit)
	}
	return set.changes, nil
}

func (c *center) execute(id, name, _ string) error {
	c.acts()
	s := c.stacks[id]
	set, there := s.sets[name]
	switch {
	case !there:
		return fmt.Errorf("change set %s: %w", name, pool.ErrNotFound)
	case strings.HasSuffix(s.status, "_IN_PROGRESS"):
		return fmt.Errorf("stack %s is %s: %w", id, s.status, pool.ErrInTransit)
	}
	delete(s.sets, name)
	c.carryOut(s, set.parameters)
	return nil
}

func (c *center) discard(id, name string) error {
	delete(c.stacks[id].sets, name)
	return nil
}
