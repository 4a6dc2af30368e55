package main

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"headroom/events"
	"headroom/internal/pool"
)

// ControlPlaneProps is what the control plane of a stage is made of.
type ControlPlaneProps struct {
	Stage                           Stage
	CodeDir                         string // holds a folder a function
	DatabaseTemplate, ShareTemplate string // files
}

// controlPlane holds what its functions are wired with.
type controlPlane struct {
	ControlPlaneProps
	stack awscdk.Stack

	instanceNetworks *string // comma-separated CIDRs
	hostNetworks     *string // comma-separated CIDRs
	activationPort   awscdk.CfnParameter
	mountOptions     *string // that tenants are told
	runbooks         *string // where docs/runbooks.md is read
	imageOwner       *string // of gateways' images
	archivesAtOnce   awscdk.CfnParameter

	keys          Keys
	notifications Notifications
	operators     *Operators
	ledger        Ledger
	bus           awsevents.EventBus
	policy        awsssm.StringParameter
	network       *Network
	hosts         HostStacks
	archives      Archives
	reports       Reports

	signups, signupSteps, poolChecks, hostEvents, alarms, changes, changeSteps Queue
	decommissions, decommissionSteps, gatewayAlarms, repairs, repairSteps      Queue
	restores, restoreSteps, reconciles, auditCopies, recovers                  Queue
}

// NewControlPlane makes the stack that takes signups and keeps the pools filled.
func NewControlPlane(scope constructs.Construct, id string, p ControlPlaneProps) awscdk.Stack {
	stack := awscdk.NewStack(scope, jsii.String(id), &awscdk.StackProps{
		StackName:   jsii.String("Headroom-" + p.Stage.Name),
		Description: jsii.String("Headroom (" + p.Stage.Name + "): keeps databases and shares ready for the next customers"),
		Tags:        &map[string]*string{"headroom:stage": jsii.String(p.Stage.Name)},
		Synthesizer: awscdk.NewDefaultStackSynthesizer(&awscdk.DefaultStackSynthesizerProps{
			GenerateBootstrapVersionRule: jsii.Bool(false),
		}),
		TerminationProtection: jsii.Bool(p.Stage.TerminationProtection),
	})
	c := &controlPlane{ControlPlaneProps: p, stack: stack}
	c.addParameters()

	c.keys = NewKeys(stack, "Keys")
	c.notifications = NewNotifications(stack, "Notifications", c.keys.Ledger)
	c.operators = &Operators{
		Stage: p.Stage, Runbooks: c.runbooks,
		Topics: map[Severity]*string{Page: c.notifications.Pages.TopicArn(), Ticket: c.notifications.Topic.TopicArn()},
	}
	c.ledger = NewLedger(stack, "Ledger", c.keys.Ledger)
	c.bus = awsevents.NewEventBus(stack, jsii.String("Bus"), &awsevents.EventBusProps{
		EventBusName: jsii.String("headroom-" + p.Stage.Name),
		Description:  jsii.String("What Headroom tells the world: StorageReady and the like"),
	})
	c.policy = awsssm.NewStringParameter(stack, jsii.String("Policy"), &awsssm.StringParameterProps{
		ParameterName: jsii.String("/headroom/" + p.Stage.Name + "/policy"),
		Description:   jsii.String("Headroom: the pool policies; may be changed at any time"),
		StringValue:   policyDocument(p.Stage),
		// More than 4,096 characters, of up to 8,192, make an advanced parameter of it, which costs something.
		Tier: awsssm.ParameterTier_INTELLIGENT_TIERING,
	})
	c.network = NewNetwork(stack, "Network", NetworkProps{Stage: p.Stage, ActivationPort: c.activationPort.ValueAsNumber()})
	c.hostNetworks = awscdk.NewCfnParameter(stack, jsii.String("HostNetworks"), &awscdk.CfnParameterProps{
		Type:                  jsii.String("String"),
		Default:               jsii.String(strings.Join(c.network.subnetNetworks(), ",")),
		AllowedPattern:        jsii.String(networksPattern),
		ConstraintDescription: jsii.String("one to four IPv4 networks, separated by commas"),
		Description:           jsii.String("Networks in which hosts live: no customer's instance does"),
	}).ValueAsString()
	c.hosts = NewHostStacks(stack, "HostStacks", HostStacksProps{
		Stage: p.Stage, Keys: c.keys, Network: c.network, InstanceNetworks: c.instanceNetworks, ImageOwner: c.imageOwner,
		DatabaseTemplate: p.DatabaseTemplate, ShareTemplate: p.ShareTemplate,
	})

	c.archives = NewArchives(stack, "Archives", c.keys.Archives)
	c.reports = NewReports(stack, "Reports", c.keys.Archives)
	c.signups = NewQueue(stack, "Signup", c.queueProps("signup", signupTimeout))
	c.signupSteps = NewQueue(stack, "SignupSteps", c.queueProps("signupsteps", signupTimeout))
	c.poolChecks = NewQueue(stack, "PoolCheck", c.queueProps("poolcheck", poolCheckTimeout))
	c.hostEvents = NewQueue(stack, "HostEvents", c.queueProps("hostevents", stackCompleteTimeout))
	c.alarms = NewQueue(stack, "Alarms", c.queueProps("alarms", hostAlarmTimeout))
	c.gatewayAlarms = NewQueue(stack, "GatewayAlarmsQueue", c.queueProps("gatewayalarms", hostAlarmTimeout))
	c.repairs = NewQueue(stack, "RepairRequests", c.queueProps("repairrequests", hostRepairTimeout))
	c.repairSteps = NewQueue(stack, "RepairSteps", c.queueProps("repairsteps", hostRepairTimeout))
	c.changes = NewQueue(stack, "InstanceChange", c.queueProps("instancechange", instanceChangeTimeout))
	c.changeSteps = NewQueue(stack, "ChangeSteps", c.queueProps("changesteps", instanceChangeTimeout))
	c.decommissions = NewQueue(stack, "Decommission", c.queueProps("decommission", decommissionTimeout))
	c.decommissionSteps = NewQueue(stack, "DecommissionSteps", c.queueProps("decommissionsteps", decommissionTimeout))
	c.restores = NewQueue(stack, "Restore", c.queueProps("restore", restoreTimeout))
	c.restoreSteps = NewQueue(stack, "RestoreSteps", c.queueProps("restoresteps", restoreTimeout))
	c.auditCopies = NewQueue(stack, "AuditCopy", c.queueProps("auditcopy", auditCopyTimeout))
	c.reconciles = NewQueue(stack, "Reconcile", c.queueProps("reconcile", reconcileTimeout))
	c.recovers = NewQueue(stack, "Recover", c.queueProps("recover", recoveryTimeout))
	undelivered := newDeadLetters(stack, "Undelivered", c.queueProps("undelivered", 0))
	c.addRules(undelivered)
	archivist := c.newArchivist()
	c.addDepartureRules(archivist, undelivered)
	restorer := c.newRestorer(archivist, c.restoreSteps)
	c.addRestoreRules(restorer, undelivered)
	NewPoolCheckSchedule(stack, "PoolCheckSchedule", c.poolChecks)
	NewRestoreSchedule(stack, "RestoreSchedule", c.restoreSteps)
	NewAuditCopySchedule(stack, "AuditCopySchedule", c.auditCopies)
	NewReconcileSchedule(stack, "ReconcileSchedule", c.reconciles)

	functions := []namedFunction{
		{"signup", c.newSignup()},
		{"poolcheck", c.newPoolCheck()},
		{"stackcomplete", c.newStackComplete()},
		{"rdsalarm", c.newRDSAlarm()},
		{"gatewayalarm", c.newGatewayAlarm()},
		{"instancechange", c.newInstanceChange()},
		{"decommission", c.newDecommission(archivist)},
		{"hostrepair", c.newHostRepair(archivist, c.newProber())},
		{"restore", c.newRestore(restorer)},
		{"reconcile", c.newReconcile()},
		{"auditcopy", c.newAuditCopy()},
		{"recovery", c.newRecovery()},
	}
	NewControlAlarms(stack, "ControlAlarms", ControlAlarmsProps{Operators: c.operators, Signups: []Queue{c.signups, c.signupSteps}})
	dashboard := NewDashboard(stack, "Dashboard", DashboardProps{
		Operators: c.operators,
		Functions: functions,
		Queues: []namedQueue{
			{"signup", c.signups.Queue, c.signups.DeadLetters},
			{"signupsteps", c.signupSteps.Queue, c.signupSteps.DeadLetters},
			{"poolcheck", c.poolChecks.Queue, c.poolChecks.DeadLetters},
			{"hostevents", c.hostEvents.Queue, c.hostEvents.DeadLetters},
			{"alarms", c.alarms.Queue, c.alarms.DeadLetters},
			{"gatewayalarms", c.gatewayAlarms.Queue, c.gatewayAlarms.DeadLetters},
			{"repairrequests", c.repairs.Queue, c.repairs.DeadLetters},
			{"repairsteps", c.repairSteps.Queue, c.repairSteps.DeadLetters},
			{"instancechange", c.changes.Queue, c.changes.DeadLetters},
			{"changesteps", c.changeSteps.Queue, c.changeSteps.DeadLetters},
			{"decommission", c.decommissions.Queue, c.decommissions.DeadLetters},
			{"decommissionsteps", c.decommissionSteps.Queue, c.decommissionSteps.DeadLetters},
			{"restore", c.restores.Queue, c.restores.DeadLetters},
			{"restoresteps", c.restoreSteps.Queue, c.restoreSteps.DeadLetters},
			{"reconcile", c.reconciles.Queue, c.reconciles.DeadLetters},
			{"auditcopy", c.auditCopies.Queue, c.auditCopies.DeadLetters},
			{"recover", c.recovers.Queue, c.recovers.DeadLetters},
			{"undelivered", nil, undelivered},
		},
	})

	c.output("SignupQueueUrl", c.signups.QueueUrl(), "Send signups here")
	c.output("SignupDlqUrl", c.signups.DeadLetters.QueueUrl(), "Signups that were refused, or failed for good")
	c.output("InstanceChangeQueueUrl", c.changes.QueueUrl(), "Send changes of tenants' addresses here")
	c.output("InstanceChangeDlqUrl", c.changes.DeadLetters.QueueUrl(), "Changes that were refused, or failed for good")
	c.output("DecommissionQueueUrl", c.decommissions.QueueUrl(), "Have tenants leave, and call that off, here")
	c.output("DecommissionDlqUrl", c.decommissions.DeadLetters.QueueUrl(), "Departures that were refused, or failed for good")
	c.output("ArchiveBucketName", c.archives.Bucket.Ref(), "The data of tenants that have left")
	for _, q := range []struct {
		id   string
		dead awssqs.Queue
	}{
		{"SignupSteps", c.signupSteps.DeadLetters},
		{"PoolCheck", c.poolChecks.DeadLetters},
		{"HostEvents", c.hostEvents.DeadLetters},
		{"Alarms", c.alarms.DeadLetters},
		{"GatewayAlarms", c.gatewayAlarms.DeadLetters},
		{"RepairRequests", c.repairs.DeadLetters},
		{"RepairSteps", c.repairSteps.DeadLetters},
		{"ChangeSteps", c.changeSteps.DeadLetters},
		{"DecommissionSteps", c.decommissionSteps.DeadLetters},
		{"RestoreSteps", c.restoreSteps.DeadLetters},
		{"Reconcile", c.reconciles.DeadLetters},
		{"AuditCopy", c.auditCopies.DeadLetters},
		{"Recover", c.recovers.DeadLetters},
		{"Undelivered", undelivered},
	} {
		c.output(q.id+"DlqUrl", q.dead.QueueUrl(), "Dead letters of queue "+strings.ToLower(q.id))
	}
	c.output("PoolCheckQueueUrl", c.poolChecks.QueueUrl(), "Asks for a pool check")
	c.output("HostEventsQueueUrl", c.hostEvents.QueueUrl(), "Says what becomes of a host in quarantine")
	c.output("RepairRequestQueueUrl", c.repairs.QueueUrl(), "Gives the word for a repair, and asks for changes of hosts")
	c.output("RestoreQueueUrl", c.restores.QueueUrl(), "Have tenants go back in time, and undo that, here")
	c.output("RestoreDlqUrl", c.restores.DeadLetters.QueueUrl(), "Restores that were refused, or failed for good")
	c.output("RecoverQueueUrl", c.recovers.QueueUrl(), "Has the ledger say again what there is, after it was lost or put back")
	c.output("TableName", c.ledger.Table.TableName(), "All state")
	c.output("BusName", c.bus.EventBusName(), "Events about tenants and hosts")
	c.output("DatabaseSlotsMost", jsii.String(strconv.Itoa(p.Stage.databaseSlots())), "Tenants that a database host has connections for: more can't be set")
	c.output("PolicyParameterName", c.policy.ParameterName(), "The pool policies")
	c.output("NotifyTopicArn", c.notifications.Topic.TopicArn(), "Tickets: subscribe operators to it")
	c.output("PageTopicArn", c.notifications.Pages.TopicArn(), "Pages: subscribe who is on call to it")
	c.output("SignupNetworks", c.instanceNetworks, "Where the addresses of tenants' application servers may be")
	c.output("SignupNetworksNot", c.hostNetworks, "Parts of those where they may not be: hosts live there")
	c.output("RestoreDays", jsii.String(strconv.Itoa(p.Stage.RestoreDays)), "How long buckets keep what was deleted")
	c.output("DashboardName", dashboard, "The dashboard")
	c.output("SecretsKeyArn", c.keys.Secrets.KeyArn(), "Who reads tenants' passwords needs kms:Decrypt on this key")
	c.addCommandPolicies(undelivered)
	c.output("ZoneId", c.network.Zone.Ref(), "Private hosted zone of the gateways' names: associate peered VPCs with it")
	return stack
}

func (c *controlPlane) addParameters() {
	c.instanceNetworks = awscdk.NewCfnParameter(c.stack, jsii.String("InstanceNetworks"), &awscdk.CfnParameterProps{
		Type:                  jsii.String("String"),
		Default:               jsii.String(c.Stage.NetworkCIDR),
		AllowedPattern:        jsii.String(networksPattern),
		ConstraintDescription: jsii.String("one to four IPv4 networks, separated by commas"),
		Description:           jsii.String("Networks in which customers' instances may live"),
	}).ValueAsString()
	c.activationPort = awscdk.NewCfnParameter(c.stack, jsii.String("ActivationPort"), &awscdk.CfnParameterProps{
		Type:        jsii.String("Number"),
		Default:     jsii.Number(activationPort),
		MinValue:    jsii.Number(1),
		MaxValue:    jsii.Number(65535),
		Description: jsii.String("Port on which gateways give their activation key"),
	})
	c.runbooks = awscdk.NewCfnParameter(c.stack, jsii.String("RunbooksUrl"), &awscdk.CfnParameterProps{
		Type:                  jsii.String("String"),
		Default:               jsii.String("docs/runbooks.md"),
		AllowedPattern:        jsii.String(`[^\s#"'()<>]+`),
		ConstraintDescription: jsii.String("an address without a fragment"),
		Description:           jsii.String("Where operators read docs/runbooks.md: alarms, notices and the dashboard lead to its sections"),
	}).ValueAsString()
	c.imageOwner = awscdk.NewCfnParameter(c.stack, jsii.String("GatewayImageOwner"), &awscdk.CfnParameterProps{
		Type:                  jsii.String("String"),
		Default:               jsii.String("amazon"),
		AllowedPattern:        jsii.String("amazon|[0-9]{12}"),
		ConstraintDescription: jsii.String("amazon, or the number of an account"),
		Description:           jsii.String("Who must have made the images that gateways are started from"),
	}).ValueAsString()
	c.archivesAtOnce = awscdk.NewCfnParameter(c.stack, jsii.String("ArchivesAtOnce"), &awscdk.CfnParameterProps{
		Type:        jsii.String("Number"),
		Default:     jsii.Number(archivesAtOnce),
		MinValue:    jsii.Number(1),
		MaxValue:    jsii.Number(archivesAtOnceMost),
		Description: jsii.String("Tenants whose data is copied at once: each takes two vCPUs of Fargate's quota"),
	})
	c.mountOptions = awscdk.NewCfnParameter(c.stack, jsii.String("MountOptions"), &awscdk.CfnParameterProps{
		Type:                  jsii.String("String"),
		Default:               jsii.String(mountOptions),
		AllowedPattern:        jsii.String(mountOptionPattern + "(," + mountOptionPattern + ")*"),
		ConstraintDescription: jsii.String("what can follow \"mount -o\""),
		Description:           jsii.String("Options with which NFS clients mount shares"),
	}).ValueAsString()
}

func (c *controlPlane) queueProps(name string, consumerTimeout float64) QueueProps {
	return QueueProps{
		Stage: c.Stage, Name: name, ConsumerTimeout: consumerTimeout, Operators: c.operators,
	}
}

// addRules sends what AWS says about hosts to the functions that look after them.
func (c *controlPlane) addRules(undelivered awssqs.Queue) {
	stackARN := func(kind pool.Kind) *string {
		return arn("cloudformation", "stack/"+c.stackPrefix()+string(kind)+"-")
	}
	NewRule(c.stack, "HostStackChanged", RuleProps{
		Description:      "Headroom: the stack of a host has another status",
		Source:           "aws.cloudformation",
		DetailTypes:      []string{events.TypeStackStatusChange},
		ResourcePrefixes: []*string{stackARN(pool.Database), stackARN(pool.Share)},
		To:               c.hostEvents,
		Undelivered:      undelivered,
	})
	NewRule(c.stack, "DatabaseAlarmChanged", RuleProps{
		Description:      "Headroom: an alarm of a database host has another state, or is deleted",
		Source:           "aws.cloudwatch",
		DetailTypes:      []string{events.TypeAlarmStateChange, events.TypeAlarmConfigurationChange},
		ResourcePrefixes: []*string{arn("cloudwatch", "alarm:"+c.stackPrefix()+string(pool.Database)+"-")},
		To:               c.alarms,
		Undelivered:      undelivered,
	})
	// RDS sends its events at best: the pool check asks every minute, and does so at once where something is said. What that
	// is it notes: a failover is over before anybody asks. Too many databases (RDS-EVENT-0056) are a notification, says its user guide
	// ("Amazon RDS event categories and event messages").
	NewRule(c.stack, "DatabaseEvent", RuleProps{
		Description:      "Headroom: something happened to the instance of a database host",
		Source:           "aws.rds",
		DetailTypes:      []string{events.TypeInstanceEvent},
		ResourcePrefixes: []*string{arn("rds", "db:"+c.stackPrefix()+string(pool.Database)+"-")},
		Detail:           map[string]any{"EventCategories": jsii.Strings("availability", "deletion", "failover", "failure", "low storage", "notification", "recovery")},
		To:               c.poolChecks,
		Undelivered:      undelivered,
	})
	NewRule(c.stack, "GatewayAlarmChanged", RuleProps{
		Description:      "Headroom: an alarm of a share host has another state, or is deleted",
		Source:           "aws.cloudwatch",
		DetailTypes:      []string{events.TypeAlarmStateChange, events.TypeAlarmConfigurationChange},
		ResourcePrefixes: []*string{arn("cloudwatch", "alarm:"+c.stackPrefix()+string(pool.Share)+"-")},
		To:               c.gatewayAlarms,
		Undelivered:      undelivered,
	})
}

// stackPrefix is how the names of hosts' stacks, and of what is in them, begin.
func (c *controlPlane) stackPrefix() string { return "headroom-" + c.Stage.Name + "-" }

func (c *controlPlane) output(id string, value *string, description string) {
	awscdk.NewCfnOutput(c.stack, jsii.String(id), &awscdk.CfnOutputProps{
		Value: value, Description: jsii.String(description),
	})
}

// policyDocument is the value of the policy parameter (read by internal/pool).
func policyDocument(stage Stage) *string {
	return jsonOf(pool.Document{Version: "1", Pools: stage.Pools, Terms: stage.Terms})
}

// jsonOf is the JSON of a struct of strings and numbers.
func jsonOf(v any) *string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // not of those
	}
	return jsii.String(string(text))
}
