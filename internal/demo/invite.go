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
	CAFile           string // where the certificate authority of the databases is kept
	Logs             string // folder of the functions' logs
	CommandLine      bool   // AWS's command line is installed

	Tier, Address string     // of another signup
	Tenant        Tenant     // whose storage can be looked at
	Gateway       netip.Addr // of its share
}

// Invite prints one line of each kind to try. They are for a shell to be pasted into: none is broken.
func (p *Printer) Invite(i Invitation) error {
	signup, err := json.Marshal(events.SignupRequested{Version: events.Version, TenantID: "yours", Tier: i.Tier, InstanceIP: i.Address})
	if err != nil {
		return fmt.Errorf("word a signup: %w", err)
	}
	t := i.Tenant
	db := t.Ready.Database
	p.Heading("it keeps running until Ctrl-C, and prints what Headroom publishes; to try, in another shell")
	if i.CommandLine {
		p.invite("Any credentials do; with these variables, AWS's command line does all that the README says. Before 2.13 and 1.29 it also wants --endpoint-url each time, and all of version 1 for sqs.",
			fmt.Sprintf("export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_ENDPOINT_URL=%s AWS_DEFAULT_REGION=%s", i.Endpoint, i.Region))
	}
	p.invite("Sign another customer up, from an address of 127.0.0.0/8.",
		i.call("sqs", "send-message", "AmazonSQS.SendMessage", "application/x-amz-json-1.0", "",
			parameter{"queue-url", "QueueUrl", i.Queue}, parameter{"message-body", "MessageBody", string(signup)}))
	p.invite(fmt.Sprintf("Read the password of %s, as its application server would.", t.ID),
		i.call("secretsmanager", "get-secret-value", "secretsmanager.GetSecretValue", "application/x-amz-json-1.1",
			" --query SecretString --output text", parameter{"secret-id", "SecretId", db.SecretARN}))
	p.invite(fmt.Sprintf("Look into the database of %s, with that password.", t.ID),
		fmt.Sprintf("psql 'host=%s port=%d dbname=%s user=%s sslmode=verify-full sslrootcert=%s'", db.Host, db.Port, db.Name, db.Username, i.CAFile))
	p.invite(fmt.Sprintf("Mount the share of %s, as root, where the kernel has NFS and nfs-common is installed. A gateway lets a tenant in by its address, so the way there leads from that address (`ip route del local %s table local` undoes it).", t.ID, i.Gateway),
		fmt.Sprintf("ip route replace local %s dev lo src %s table local && mount -t nfs -o %s %s:%s /mnt",
			i.Gateway, t.Instance, t.Ready.Share.Options, i.Gateway, t.Ready.Share.Path))
	p.print("\n")
	p.Text("The functions' logs are in " + i.Logs + ".")
	p.print("\n")
	return nil
}

func (p *Printer) invite(what, command string) {
	p.print("\n")
	p.Text(what)
	p.print("  " + command + "\n")
}

// parameter is one of a call of AWS: its name on the command line, in the API, and its value.
type parameter struct{ flag, member, value string }

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
