package demo

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"headroom/events"
)

// Invitation is what somebody needs to know to go on by hand.
type Invitation struct {
	Endpoint, Region string
	Queue            string // URL of the signup queue
	Departures       string // URL of the decommission queue
	Changes          string // URL of the instance change queue
	CAFile           string // where the certificate authority of the databases is kept
	Logs             string // folder of the functions' logs
	CommandLine      bool   // AWS's command line is installed

	Tier, Address string     // of another signup
	Next          string     // address of the machine that replaces its own
	Tenant        Tenant     // whose storage can be looked at
	Gateway       netip.Addr // of its share
}

// Invite prints one line of each kind to try. They are for a shell to be pasted into: none is broken.
func (p *Printer) Invite(i Invitation) {
	t := i.Tenant
	db := t.Ready.Database
	p.Heading("it keeps running until Ctrl-C, and prints what Headroom publishes; to try, in another shell")
	if i.CommandLine {
		p.invite("Any credentials do; with these variables, AWS's command line does all that the README says. Before 2.13 and 1.29 it also wants --endpoint-url each time, and all of version 1 for sqs.",
			fmt.Sprintf("export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_ENDPOINT_URL=%s AWS_DEFAULT_REGION=%s", i.Endpoint, i.Region))
	}
	p.invite("See it as operators do; dist/headroom --help names the rest.", "dist/headroom status --endpoint "+i.Endpoint)
	p.invite("Sign another customer up, from an address of 127.0.0.0/8.", i.send(i.Queue,
		events.SignupRequested{Version: events.Version, TenantID: yours, Tier: i.Tier, InstanceIP: i.Address}))
	p.invite(fmt.Sprintf("Read the password of %s, as its application server would.", t.ID),
		i.call("secretsmanager", "get-secret-value", "secretsmanager.GetSecretValue", "application/x-amz-json-1.1",
			" --query SecretString --output text", parameter{"secret-id", "SecretId", db.SecretARN}))
	p.invite(fmt.Sprintf("Look into the database of %s, with that password.", t.ID),
		fmt.Sprintf("psql 'host=%s port=%d dbname=%s user=%s sslmode=verify-full sslrootcert=%s'", db.Host, db.Port, db.Name, db.Username, i.CAFile))
	p.invite(fmt.Sprintf("Mount the share of %s, as root, where the kernel has NFS and nfs-common is installed. A gateway lets a tenant in by its address, so the way there leads from that address (`ip route del local %s table local` undoes it).", t.ID, i.Gateway),
		fmt.Sprintf("ip route replace local %s dev lo src %s table local && mount -t nfs -o %s %s:%s /mnt",
			i.Gateway, t.Instance, t.Ready.Share.Options, i.Gateway, t.Ready.Share.Path))
	p.invite("Replace the other customer's machine: the new address is served before the old one is put out.", i.send(i.Changes,
		events.InstanceChangeRequested{
			Version: events.Version, Type: events.TypeInstanceChangeRequested, TenantID: yours, Add: []string{i.Next}, Remove: []string{i.Address},
			Reason: "to try it", RequestedBy: "you",
		}))
	p.invite("Have it leave: it is shut out and archived at once, and scrubbed after its grace, by the cloud's clock (--chapters shows all of it).", i.send(i.Departures,
		events.DecommissionRequested{
			Version: events.Version, Type: events.TypeDecommissionRequested, TenantID: yours, Reason: "to try it", RequestedBy: "you", Grace: "30m",
		}))
	p.invite("Have it stay, until then.", i.send(i.Departures,
		events.UndoRequested{Version: events.Version, Type: events.TypeUndoRequested, TenantID: yours, Reason: "to try it", RequestedBy: "you"}))
	p.print("\n")
	p.Text("The functions' logs are in " + i.Logs + ".")
	p.print("\n")
}

// yours is the customer of one's own.
const yours = "yours"

func (p *Printer) invite(what, command string) {
	p.print("\n")
	p.Text(what)
	p.print("  " + command + "\n")
}

// parameter is one of a call of AWS: its name on the command line, in the API, and its value.
type parameter struct{ flag, member, value string }

// send is the line that sends a message to a queue.
func (i Invitation) send(queue string, message any) string {
	body, _ := json.Marshal(message) // strings always can be
	return i.call("sqs", "send-message", "AmazonSQS.SendMessage", "application/x-amz-json-1.0", "",
		parameter{"queue-url", "QueueUrl", queue}, parameter{"message-body", "MessageBody", string(body)})
}

// call is the line that calls AWS's API: with AWS's command line if it is there, which is told the endpoint
// and the region because old ones know no variables for them, and else with curl.
func (i Invitation) call(service, command, target, contentType, rest string, parameters ...parameter) string {
	if i.CommandLine {
		line := fmt.Sprintf("aws %s %s --endpoint-url %s --region %s", service, command, i.Endpoint, i.Region)
		for _, p := range parameters {
			line += fmt.Sprintf(" --%s '%s'", p.flag, p.value)
		}
		return line + rest
	}
	members := map[string]string{}
	for _, p := range parameters {
		members[p.member] = p.value
	}
	body, _ := json.Marshal(members) // strings always can be
	return fmt.Sprintf("curl -s %s -H 'X-Amz-Target: %s' -H 'Content-Type: %s' -H 'Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/%s/%s/aws4_request' -d '%s'",
		i.Endpoint, target, contentType, i.Region, service, body)
}
