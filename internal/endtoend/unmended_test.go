package endtoend

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"headroom/events"
	"headroom/internal/local"
	"headroom/internal/local/machine/appliance"
	"headroom/internal/pool"
)

// notMissed says why a grant of hostrepair's may not be missed when a gateway is mended in every way and its stack is updated.
var notMissed = map[string]string{
	"dynamodb:Query":                     "departures are read only where a tenant leaves, when its gateway may be given up",
	"ec2:DescribeImages":                 "images are held against each other only where the newest is another one, or a person names one",
	"ec2:DeleteVolume":                   "old root disks are deleted after a fortnight",
	"ec2:ModifyInstanceAttribute":        "no disk of a host's machine dies with it, unless somebody has it so",
	"ssm:GetParameterHistory":            "older policies are read only while the newest ones are invalid",
	"cloudformation:DeleteChangeSet":     "a change set is discarded only if it is refused, or the stack has changed since",
	"storagegateway:ListTagsForResource": "a gateway is looked for by its tags only while its activation comes to no clear end",
	"ecs:StopTask":                       "a task is stopped only if it does not come to an end",
	"ecs:DescribeTasks":                  "a task is looked at only if its report is late",
	"sns:Publish":                        "people are told by the topic, which may be told before anything is withheld",
	"kms:Decrypt":                        "the topic's key is used only when people are told of something",
	"kms:GenerateDataKey":                "the topic's key is used only when people are told of something",
}

// TestWithoutAGrantNothingIsMended has a gateway fail in each of the ways while hostrepair and the prober have none of their grants. Each is given
// to them once its absence has held them up: it is named in a log, or in the record of the repair. In the end all is mended.
func TestWithoutAGrantNothingIsMended(t *testing.T) {
	t.Parallel()
	ps := policies(pool.Policy{SlotsPerHost: 4}, pool.Policy{SlotsPerHost: 2, Floor: 1, Ceiling: 4})
	s := start(t, ps, func(o *local.Options) { o.Speed = mendSpeed })
	s.awaitInService(t, 1, 1)
	s.signUp(t, "acme", "127.30.51.1")
	s.awaitReady(t, "acme")
	host := s.shareHost(t, "acme")
	s.setPolicyDocument(t, document{Version: "1", Pools: ps, Drills: []pool.Drill{{From: host.Image, To: host.Image}}})
	w := s.withhold(t, "hostrepair", "prober", s.rolesOfMending(t))
	var missed []string
	answered := 0
	mended := func(by pool.Way) {
		t.Helper()
		before := len(s.repairsOf(host.ID))
		for {
			var held grant
			s.awaitFor(t, mendPatience, fmt.Sprintf("the host is mended by way %s, or something is refused", by), func() (found bool) {
				r, err := s.ledger.Repair(t.Context(), host.ID)
				if err != nil {
					r = pool.Repair{}
				}
				if asks := heard[events.HostRepairAsks](s.watch); len(asks) > answered {
					s.giveWord(t, host.ID, asks[answered].Way)
					answered++
				}
				held, found = w.refusal(t, []string{r.Error})
				return found || len(s.repairsOf(host.ID)) > before && r.State.Ended() && s.host(t, host.ID).Repair == 0
			})
			if held.action == "" {
				break
			}
			w.giveBack(held)
			missed = append(missed, held.String())
		}
		// What could not be recorded is said again.
		if said := s.repairsOf(host.ID)[before]; said.Way != string(by) {
			t.Errorf("it was mended by way %s, not %s: %q", said.Way, by, said.Tried)
		}
		s.awaitFor(t, mendPatience, "the host is in service", func() bool { return s.host(t, host.ID).State == pool.HostInService })
	}
	must(t, s.Machines.Fail(host.Access.Machine, appliance.Fault{Hang: true, Cure: appliance.ByReboot}))
	mended(pool.WayReboot)
	_, err := ec2.NewFromConfig(s.AWS()).TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{host.Access.Machine}})
	must(t, err)
	mended(pool.WayMachine)
	s.older(t, host.ID, func(resources map[string]any) { delete(resources, "UploadsAlarm") })
	s.send(t, "RepairRequestQueueUrl", fmt.Sprintf(`{"version":"1","type":"RepairRequest","hostId":%q,"action":"update","requestedBy":"jo","reason":"a new template"}`, host.ID))
	mended(pool.WayUpdate)
	s.setPolicyDocument(t, document{Version: "1", Pools: ps}) // without a drill, so that another machine is asked about
	must(t, s.Machines.Fail(s.host(t, host.ID).Access.Machine, appliance.Fault{Cure: appliance.Never}))
	mended(pool.WayGateway)
	t.Logf("%d grants were missed: %s", len(missed), strings.Join(missed, ", "))
	for _, g := range w.left() {
		if reason, ok := notMissed[g.action]; !ok {
			t.Errorf("nothing missed %s", g)
		} else {
			t.Logf("not missed: %s: %s", g, reason)
		}
	}
}

// giveWord gives the word that a repair asks for, and that for a new gateway instead of another machine.
func (s *system) giveWord(t *testing.T, id pool.HostID, asked string) {
	t.Helper()
	if asked == string(pool.WayMachine) {
		asked = string(pool.WayGateway)
	}
	s.send(t, "RepairRequestQueueUrl", fmt.Sprintf(`{"version":"1","type":"RepairRequest","hostId":%q,"action":"proceed","way":%q,"requestedBy":"jo","reason":"it is beyond help"}`, id, asked))
}

// rolesOfMending are the ARNs of the roles that only a repair makes use of, by whose they are.
func (s *system) rolesOfMending(t *testing.T) map[string]string {
	t.Helper()
	roles := map[string]string{"hostrepair": s.roles(t)["hostrepair"]}
	for _, r := range s.Stacks.Resources("Headroom-" + stage) {
		if r.Type == "AWS::ECS::TaskDefinition" && r.Properties["Family"] == longName("prober") {
			roles["prober"], _ = r.Properties["TaskRoleArn"].(string)
		}
	}
	if len(roles) != 2 || roles["hostrepair"] == "" {
		t.Fatalf("the roles are %v", roles)
	}
	return roles
}
