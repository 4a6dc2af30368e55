package endtoend

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"
	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"headroom/events"
	"headroom/internal/pool"
)

// nobody is the client list of a share that no tenant has.
const nobody = "192.0.2.1/32"

// differences lists where the cloud is not as the books say: who can log in, who is let in, and what
// is there that nobody ordered.
func (s *system) differences(tb testing.TB, b books) (found []string) {
	tb.Helper()
	differ := func(what string, want, got any) {
		if diff := cmp.Diff(want, got); diff != "" {
			found = append(found, fmt.Sprintf("%s (-books +cloud):\n%s", what, diff))
		}
	}
	var wanted, gateways []string
	for id, h := range b.hosts {
		if h.State.Live() {
			wanted = append(wanted, h.Stack.Name)
		}
		if h.State != pool.HostInService && h.State != pool.HostCordoned {
			continue
		}
		if h.Kind == pool.Database {
			want := map[string]bool{}
			for _, slot := range h.Slots {
				want[pool.RoleName(slot.Name)] = slot.State == pool.SlotAssigned
			}
			differ("logins of "+string(id), want, s.logins(tb, h))
			continue
		}
		for range h.Gateways + 1 { // those that were given up are kept, offline, until a person deletes them
			gateways = append(gateways, h.Stack.Name)
		}
		clients, doors := map[string]string{}, map[string]bool{}
		for _, slot := range h.Slots {
			clients["/"+slot.Name] = nobody
			if slot.State == pool.SlotAssigned {
				clients["/"+slot.Name] = strings.Join(b.tenants[slot.Tenant].Clients(), ",")
				for _, client := range b.tenants[slot.Tenant].Clients() {
					doors[client+":2049"] = true
				}
			}
		}
		differ("client lists of "+string(id), clients, s.clients(tb, h))
		differ("firewall of "+string(id), doors, s.doors(tb, h))
	}
	slices.Sort(wanted)
	slices.Sort(gateways)
	differ("stacks", wanted, s.hostStacks(tb))
	differ("gateways", gateways, s.gateways(tb))
	return found
}

// hostStacks names the stacks of hosts that there are.
func (s *system) hostStacks(tb testing.TB) (names []string) {
	tb.Helper()
	out, err := cloudformation.NewFromConfig(s.AWS()).DescribeStacks(tb.Context(), &cloudformation.DescribeStacksInput{})
	must(tb, err)
	for _, stack := range out.Stacks {
		if name := aws.ToString(stack.StackName); strings.HasPrefix(name, "headroom-"+stage+"-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// gateways names the gateways that there are.
func (s *system) gateways(tb testing.TB) (names []string) {
	tb.Helper()
	out, err := storagegateway.NewFromConfig(s.AWS()).ListGateways(tb.Context(), &storagegateway.ListGatewaysInput{Limit: aws.Int32(100)})
	must(tb, err)
	for _, g := range out.Gateways {
		names = append(names, aws.ToString(g.GatewayName))
	}
	slices.Sort(names)
	return names
}

// clients returns the client list of each share of a gateway, by path.
func (s *system) clients(tb testing.TB, h pool.Host) map[string]string {
	tb.Helper()
	client := storagegateway.NewFromConfig(s.AWS())
	listed, err := client.ListFileShares(tb.Context(), &storagegateway.ListFileSharesInput{GatewayARN: &h.Access.Gateway, Limit: aws.Int32(100)})
	must(tb, err)
	clients := map[string]string{}
	for _, share := range listed.FileShareInfoList {
		out, err := client.DescribeNFSFileShares(tb.Context(), &storagegateway.DescribeNFSFileSharesInput{FileShareARNList: []string{*share.FileShareARN}})
		must(tb, err)
		for _, info := range out.NFSFileShareInfoList {
			clients[aws.ToString(info.Path)] = strings.Join(slices.Sorted(slices.Values(info.ClientList)), ",")
		}
	}
	return clients
}

// doors are the addresses and ports that a gateway's security group lets in.
func (s *system) doors(tb testing.TB, h pool.Host) map[string]bool {
	tb.Helper()
	out, err := ec2.NewFromConfig(s.AWS()).DescribeSecurityGroups(tb.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{h.Access.SecurityGroup}})
	must(tb, err)
	doors := map[string]bool{}
	for _, group := range out.SecurityGroups {
		for _, permission := range group.IpPermissions {
			for _, network := range permission.IpRanges {
				doors[fmt.Sprintf("%s:%d", aws.ToString(network.CidrIp), aws.ToInt32(permission.FromPort))] = true
			}
		}
	}
	return doors
}

// logins says of each tenant's role on a database host whether it may log in.
func (s *system) logins(tb testing.TB, h pool.Host) map[string]bool {
	tb.Helper()
	conn := s.connect(tb, h)
	defer func() { _ = conn.Close(context.Background()) }()
	rows, err := conn.Query(tb.Context(), `SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname LIKE 't\_%'`)
	must(tb, err)
	logins := map[string]bool{}
	var name string
	var may bool
	_, err = pgx.ForEachRow(rows, []any{&name, &may}, func() error {
		logins[name] = may
		return nil
	})
	must(tb, err)
	return logins
}

// connect logs in to a database host as its master user.
func (s *system) connect(tb testing.TB, h pool.Host) *pgx.Conn {
	tb.Helper()
	master := s.secret(tb, h.Access.MasterSecret)
	config, err := pgx.ParseConfig("")
	must(tb, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.Authority)
	config.Host, config.Port, config.Database = h.Access.Address, uint16(h.Access.Port), "postgres"
	config.User, config.Password = master.Username, master.Password
	config.TLSConfig, config.Fallbacks = &tls.Config{RootCAs: roots, ServerName: h.Access.Address, MinVersion: tls.VersionTLS12}, nil
	conn, err := pgx.ConnectConfig(tb.Context(), config)
	must(tb, err)
	return conn
}

// secret reads a tenant's or a master user's credentials.
func (s *system) secret(tb testing.TB, arn string) events.Credentials {
	tb.Helper()
	out, err := secretsmanager.NewFromConfig(s.AWS()).GetSecretValue(tb.Context(), &secretsmanager.GetSecretValueInput{SecretId: &arn})
	must(tb, err)
	var c events.Credentials
	must(tb, json.Unmarshal([]byte(aws.ToString(out.SecretString)), &c))
	return c
}
