package endtoend

import (
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/local"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/iam"
	"headroom/internal/pool"
)

// hasty leave and are scrubbed at once.
var hasty = pool.Terms{
	GraceMost: pool.Term(time.Hour), Retain: pool.Term(365 * 24 * time.Hour), Change: pool.Term(24 * time.Hour),
}

// ofLambda are grants by which Lambda polls a function's queues, writes its log, and connects it to the VPC: the function
// itself does not notice that they are missing.
var ofLambda = regexp.MustCompile(`^(sqs:(Receive|Delete)Message|sqs:GetQueueAttributes|logs:.*|ec2:.*(NetworkInterface|PrivateIpAddress|Subnets|Vpcs).*)`)

// TestWithoutAGrantNobodyLeaves has a tenant leave while decommission and the archivist have none of their grants. Each is
// given to them once its absence has held them up: it is named in the log of the function or of the task, or in the record of
// what is held up. In the end the tenant has left, and what was never missed is what nothing needs.
func TestWithoutAGrantNobodyLeaves(t *testing.T) {
	t.Parallel()
	s := startWith(t, document{Version: "1", Pools: twoSlots(), Terms: &hasty}, func(o *local.Options) {
		o.Speed = 20
	})
	s.awaitInService(t, 1, 1)
	s.liftLimits(t)
	s.signUp(t, leaver, leftFrom)
	ready := s.awaitReady(t, leaver)[leaver]
	l := &leaving{system: s, ready: ready, credentials: s.secret(t, ready.Database.SecretARN), from: leftFrom}
	l.fill(t, inFile, inRow)

	w := s.withhold(t, "decommission", "archivist", s.rolesOfLeaving(t))
	released := func() bool { return len(heard[events.TenantReleased](s.watch)) > 0 }
	var missed []string
	defer func() { // while the test's context is not over
		if t.Failed() {
			t.Logf("missed so far: %s", strings.Join(missed, ", "))
			l.tellHowFar(t)
		}
	}()
	answered := int64(0) // version of the departure that was given up, and asked for again
	for l.ask(t, "DecommissionRequested", ""); !released(); {
		var held grant
		s.await(t, "the tenant is released, or something is refused", func() (found bool) {
			held, found = w.refusal(t, l.errors(t))
			if d := l.departure(t, 0); !found && d.Stuck != "" && d.Step == "" && d.Version != answered {
				answered = d.Version // it was given up just after it had been asked for again
				l.ask(t, "DecommissionRequested", "")
			}
			return found || released()
		})
		if held.action == "" {
			break
		}
		w.giveBack(held)
		missed = append(missed, held.String())
		l.ask(t, "DecommissionRequested", "") // it goes on at once, and not when it tries again
	}
	t.Logf("%d grants were missed: %s", len(missed), strings.Join(missed, ", "))
	for _, g := range w.left() {
		if reason, ok := unneeded[g.String()]; !ok {
			t.Errorf("nothing missed %s", g)
		} else {
			t.Logf("not missed: %s: %s", g, reason)
		}
	}
	l.archiveIsWhole(t, l.departure(t, 0).Archive)
}

// errors are the last errors of the clearances of the tenant's first departure. All they do decommission does.
func (l *leaving) errors(t *testing.T) (found []string) {
	t.Helper()
	for _, kind := range pool.Kinds {
		c, err := l.ledger.Clearance(t.Context(), pool.Clearance{Departure: l.departure(t, 0).ID(), Kind: kind}.ID())
		if err != nil && !errors.Is(err, pool.ErrNotFound) {
			t.Fatal(err)
		}
		found = append(found, c.Error)
	}
	return found
}

// tellHowFar logs what the departure has come to, for whoever looks why it has not ended.
func (l *leaving) tellHowFar(t *testing.T) {
	t.Helper()
	d := l.departure(t, 0)
	t.Logf("departure: %s, step %+v, attempt %+v", d.State, d.Progress, d.Attempt)
	for _, kind := range pool.Kinds {
		c, err := l.ledger.Clearance(t.Context(), pool.Clearance{Departure: d.ID(), Kind: kind}.ID())
		t.Logf("clearance: %s, %s, step %+v, error %q, %v", kind, c.State, c.Progress, c.Error, err)
	}
}

// grant is an action that somebody's role allows.
type grant struct{ whose, action string }

func (g grant) String() string { return g.whose + " " + g.action }

// withheld are grants that were taken from roles.
type withheld struct {
	*system
	function, task string            // whose logs name what is refused
	roles          map[string]string // ARN, by whose it is
	whole          map[string]iam.Role
	gone           map[string][]string // actions, by whose role allows them when it is whole
	heads          chan string         // refusals that have no words: the answer to HEAD has no body
	lines          []string            // those of them so far
}

// withhold takes all grants from roles, but for those that are Lambda's: those of a function, and of a task that it runs.
func (s *system) withhold(t *testing.T, function, task string, roles map[string]string) *withheld {
	t.Helper()
	w := &withheld{system: s, function: function, task: task, roles: roles, whole: map[string]iam.Role{}, gone: map[string][]string{}, heads: make(chan string, 1000)}
	s.Router.After(w.wordHeads)
	for whose, arn := range roles {
		role, ok := s.Policies.Role(arn)
		if !ok {
			t.Fatalf("there is no role %s", arn)
		}
		for _, document := range role.Policies {
			for _, statement := range document.Statements {
				for _, action := range statement.Actions {
					if statement.Allow && !ofLambda.MatchString(action) && !slices.Contains(w.gone[whose], action) {
						w.gone[whose] = append(w.gone[whose], action)
					}
				}
			}
		}
		w.whole[whose] = role
		w.put(whose)
	}
	return w
}

// put leaves a role what is not withheld.
func (w *withheld) put(whose string) {
	role := w.whole[whose]
	role.Policies = maps.Clone(role.Policies)
	for name, document := range role.Policies {
		document.Statements = slices.Clone(document.Statements)
		for i := range document.Statements {
			if s := &document.Statements[i]; s.Allow {
				s.Actions = slices.DeleteFunc(slices.Clone(s.Actions), func(action string) bool { return slices.Contains(w.gone[whose], action) })
			}
		}
		role.Policies[name] = document
	}
	w.Policies.PutRole(role)
}

// wordHeads words the refusal of a HEAD as that of a GET would be.
func (w *withheld) wordHeads(c endpoint.Call, status int) error {
	if c.Operation == "HeadObject" && status == http.StatusForbidden {
		action := "s3:GetObject"
		if c.Request.URL.Query().Has("versionId") {
			action += "Version"
		}
		w.heads <- c.Principal + " is not authorized to perform: " + action + " on resource"
	}
	return nil
}

// How AWS words that a role does not allow an action. A record has no more than the end of it.
var (
	refused      = regexp.MustCompile(`assumed-role/([^/ ]+)/\S+ is not authorized to perform: (\S+) on resource`)
	refusedAtAll = regexp.MustCompile(`because no identity-based policy allows the (\S+) action`)
)

// refusal finds a grant that is still withheld, and missed, by the logs, or by the records of what the function is about.
func (w *withheld) refusal(t *testing.T, records []string) (grant, bool) {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(w.Dir, "logs", longName(w.task)+".log"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for len(w.heads) > 0 {
		w.lines = append(w.lines, <-w.heads)
	}
	lines := append(strings.Split(string(log), "\n"), w.lines...)
	w.mu.Lock()
	for _, line := range w.system.lines {
		if shortName(line.Function) == w.function {
			lines = append(lines, line.Text)
		}
	}
	w.mu.Unlock()
	for _, line := range lines {
		for _, words := range refused.FindAllStringSubmatch(line, -1) {
			for whose, arn := range w.roles {
				if strings.HasSuffix(arn, "/"+words[1]) && slices.Contains(w.gone[whose], words[2]) {
					return grant{whose, words[2]}, true
				}
			}
		}
	}
	for _, record := range records {
		for _, words := range refusedAtAll.FindAllStringSubmatch(record, -1) {
			if slices.Contains(w.gone[w.function], words[1]) {
				return grant{w.function, words[1]}, true
			}
		}
	}
	return grant{}, false
}

// giveBack gives one grant back.
func (w *withheld) giveBack(g grant) {
	w.gone[g.whose] = slices.DeleteFunc(w.gone[g.whose], func(action string) bool { return action == g.action })
	w.put(g.whose)
}

// left are the grants that are still withheld.
func (w *withheld) left() (all []grant) {
	for whose, actions := range w.gone {
		for _, action := range actions {
			all = append(all, grant{whose, action})
		}
	}
	return all
}

// rolesOfLeaving are the ARNs of the roles that only a tenant that leaves makes use of, by whose they are.
func (s *system) rolesOfLeaving(t *testing.T) map[string]string {
	t.Helper()
	return s.rolesOf(t, "decommission", "archivist")
}

// rolesOf are the ARNs of the roles of a function, and of the tasks of a family and their jobs, by whose they are.
func (s *system) rolesOf(t *testing.T, function, family string) map[string]string {
	t.Helper()
	roles := map[string]string{}
	for _, r := range s.Stacks.Resources("Headroom-" + stage) {
		if r.Type == "AWS::Lambda::Function" && shortName(r.PhysicalID) == function {
			roles[function], _ = r.Properties["Role"].(string)
		}
		if r.Type != "AWS::ECS::TaskDefinition" || r.Properties["Family"] != longName(family) {
			continue
		}
		roles["task"], _ = r.Properties["TaskRoleArn"].(string)
		for _, container := range r.Properties["ContainerDefinitions"].([]any) {
			for _, variable := range container.(map[string]any)["Environment"].([]any) {
				if v := variable.(map[string]any); v["Name"] == "JOB_ROLE_ARN" {
					roles["job"], _ = v["Value"].(string)
				}
			}
		}
	}
	if roles[function] == "" || roles["task"] == "" || roles["job"] == "" {
		t.Fatalf("the roles are %v", roles)
	}
	return roles
}
