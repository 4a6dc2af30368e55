package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	demopage "headroom/internal/demo/page"
)

// ranges are those of times that can be gone back to, which move.
var ranges = regexp.MustCompile(`from [0-9-]+T[0-9:]+Z to [0-9-]+T[0-9:]+Z`)

// TestWhatFailsSaysWhatToDo is the table of failures: wrong input, nothing there, no network, a guard.
func TestWhatFailsSaysWhatToDo(t *testing.T) {
	d := cloud(t)
	if err := d.ledger.Register(t.Context(), "127.20.0.8", "globex"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args   string
		status int
		says   string // %s: the endpoint
	}{
		{"host list --state broken", refused, "headroom: --state is \"broken\", and must be one of ordered, building, preparing, in-service, cordoned, retiring, lost, deleting, deleted, quarantined (see headroom host list --help)\n"},
		{"host", refused, "headroom: which command? (see headroom host --help)\n"},
		{"host lits", refused, "headroom: unknown command \"lits\", did you mean list? (see headroom host --help)\n"},
		{"host show", refused, "headroom: which host? (see headroom host show --help)\n"},
		{"host show share-standard-1 2", refused, "headroom: unexpected argument \"2\" (see headroom host show --help)\n"},
		{"status --watch=1ms", refused, "headroom: --watch is 1ms, and must be a second or more (see headroom status --help)\n"},
		{"host show shares", refused, "headroom: \"shares\" is no host\nIt is kind, tier and number, such as share-standard-3; headroom host list names them.\n"},
		{"host show share-standard-9", missing, "headroom: there is no host share-standard-9\nheadroom host list --all names those there are and were.\n"},
		{"pool show files", refused, "headroom: \"files\" is no pool\nIt is the kind and the tier, such as database-standard or share-standard; headroom pool list names them.\n"},
		{"pool show share-Gold", refused, "headroom: \"share-Gold\" is no pool\nIt is the kind and the tier, such as database-standard or share-standard; headroom pool list names them.\n"},
		{"host list --pool share-gold", missing, "headroom: there is no pool share-gold\nheadroom pool list names those there are.\n"},
		{"host list --pool share-gold --all", missing, "headroom: there is no pool share-gold\nheadroom pool list names those there are.\n"},
		{"tenant list --tier gold", missing, "headroom: there is no tier gold\nheadroom pool list names those there are.\n"},
		{"tenant list --tier gold --all", missing, "headroom: there is no tier gold\nheadroom pool list names those there are.\n"},
		{"tenant list --host share-standard-9", missing, "headroom: there is no host share-standard-9\nheadroom host list --all names those there are and were.\n"},
		{"plan --tier gold", missing, "headroom: there is no tier gold\nheadroom pool list names those there are.\n"},
		{"pool show share-gold", missing, "headroom: there is no pool share-gold\nheadroom pool list names those there are.\n"},
		{"tenant show nobody", missing, "headroom: there is no tenant nobody\nNames count letter by letter. headroom tenant list names those there are.\n"},
		{"dlq show letters", missing, "headroom: there is no queue letters\nIt is one of alarms, auditcopy, changesteps, decommission, decommissionsteps, gatewayalarms, hostevents, instancechange, poolcheck, reconcile, recover, repairrequests, repairsteps, restore, restoresteps, signup, signupsteps, undelivered.\n"},
		{"status --stage prod", missing, "headroom: there is no stage prod in eu-west-1\nName another stage with --stage, or another region with --region.\n"},
		{"signup acme 127.20.0.20 --wait=-1s", refused, "headroom: --wait is -1s, and must be more than nothing (see headroom signup --help)\n"},
		{"signup acme", refused, "headroom: which address? (see headroom signup --help)\n"},
		{"signup umbrella 10.40.1.30 --tier gold", guarded, "headroom: tier gold can't be signed up for\nThe policy has standard.\n"},
		{"signup umbrella 10.40.1.30 --dry-run", guarded, "headroom: instanceIp is in none of the networks where instances live: 127.0.0.0/8\nIt is the address of the tenant's application server.\n"},
		{"signup umbrella 127.255.255.255 --dry-run", guarded, "headroom: instanceIp is the broadcast address of the network 127.0.0.0/8\nIt is the address of the tenant's application server.\n"},
		{"signup acme 10.40.1.30 --dry-run", guarded, "headroom: instanceIp is another address than the one this tenant signed up with\nTenant acme has signed up: headroom tenant show acme shows it, and headroom address changes its addresses.\n"},
		{"decommission acme --reason ended --grace 900h --dry-run", guarded, "headroom: grace is longer than the policy's graceMost, 168h0m0s\n"},
		{"restore acme --share --to 2026-01-01T10:00:00Z --reason mistake --dry-run", guarded, "headroom: to is before the earliest time that can be gone back to: that is from FROM to UNTIL\nIt is a time since tenant acme was ready: headroom tenant show acme.\n"},
		{"restore acme --share --to 2126-01-01T10:00:00Z --reason mistake --dry-run", guarded, "headroom: to is after the latest time that can be gone back to: that is from FROM to UNTIL\nIt is a time since tenant acme was ready: headroom tenant show acme.\n"},
		{"restore acme --database --to 2026-01-05T10:00:00Z --reason mistake --dry-run", guarded, "headroom: to is no time that can be gone back to: the database's host has no backups, or none yet\nheadroom host show database-standard-1 shows the host.\n"},
		{"signup umbrella 127.20.0.8 --dry-run", guarded, "headroom: instanceIp belongs to another tenant\nIt is the address of the tenant's application server.\n"},
		{"address add acme 127.20.0.8 --dry-run --reason because", guarded, "headroom: address 127.20.0.8 belongs to another tenant\nIt is the address of the tenant's application server.\n"},
		{"address add acme 127.20.0.8 --reason because", guarded, "headroom: address 127.20.0.8 belongs to another tenant\nIt is the address of the tenant's application server.\n"},
		{"address add acme 10.40.1.30 --dry-run --reason because", guarded, "headroom: address 10.40.1.30 is in none of the networks where instances live: 127.0.0.0/8\nIt is the address of the tenant's application server.\n"},
		{"address remove acme 10.40.1.7 --reason because", guarded, "headroom: remove takes the tenant's last address: it leaves by being decommissioned\nheadroom tenant show acme has its addresses.\n"},
		{"address add acme 127.20.0.21", refused, "headroom: --reason is missing: say why, for who reads the history (see headroom address add --help)\n"},
		{"decommission acme", refused, "headroom: --reason is missing: say why, for who reads the history (see headroom decommission --help)\n"},
		{"decommission globex --reason ended --yes", guarded, "headroom: tenant globex leaves, or has left\nheadroom tenant explain globex says how it goes.\n"},
		{"restore acme --to yesterday --reason mistake", refused, "headroom: --to is \"yesterday\", and must be a time such as 2026-11-02T09:00:00Z (see headroom restore --help)\n"},
		{"restore initech --share --to 2026-01-05T10:00:00Z --reason mistake", guarded, "headroom: tenant initech has no storage to go back: it is waiting\nheadroom tenant explain initech says how it is.\n"},
		{"restore acme --undo --reason mistake --yes", guarded, "headroom: tenant acme has no restoration that could be undone\nheadroom tenant explain acme says what became of it.\n"},
		{"tenant move acme --reason busy --yes", guarded, "headroom: tenant acme can't move: host database-standard-2 is quarantined\nheadroom host list --pool database/standard shows them.\n"},
		{"tenant move acme --to database-standard-1 --reason busy --yes", guarded, "headroom: tenant acme can't move: there is no other host\nheadroom host list --pool database/standard shows them.\n"},
		{"tenant move acme --to database-standard-99 --reason busy --yes", missing, "headroom: there is no host database-standard-99\nheadroom host list --all names those there are and were.\n"},
		{"tenant move initech --reason busy --yes", guarded, "headroom: tenant initech has no database to move: it is waiting\nheadroom tenant explain initech says how it is.\n"},
		{"undo acme --reason mistake", guarded, "headroom: tenant acme does not leave\nheadroom tenant show acme says how it is.\n"},
		{"host release share-standard-1 --reason mended", guarded, "headroom: host share-standard-1 is not quarantined: it is in-service\nheadroom host explain share-standard-1 says why.\n"},
		{"host retire share-standard-1 --reason empty --yes", guarded, "headroom: host share-standard-1 is not empty: slot 1 is of tenant acme\nheadroom host drain share-standard-1 --reason … has it take no more, and go once it is empty.\n"},
		{"host protect share-standard-1 --off --reason over", guarded, "headroom: host share-standard-1 is not protected by a person's word\nheadroom host explain share-standard-1 says why.\n"},
		{"host drain share-standard-1 --off --reason over", guarded, "headroom: host share-standard-1 is not drained\nheadroom host explain share-standard-1 says why.\n"},
		{"host uncordon share-standard-1 --reason mended", guarded, "headroom: host share-standard-1 is not cordoned by a person's word\nheadroom host explain share-standard-1 says why.\n"},
		{"host repair share-standard-2 --way restart --reason lost", guarded, "headroom: the word is for way \"restart\", and the repair of host share-standard-2 asks for way \"machine\"\nheadroom host explain share-standard-2 says how it is.\n"},
		{"host repair share-standard-2 --reason lost", refused, "headroom: --way names what is asked for, --drop ends the repair, --discard lets old disks go: one of them (see headroom host repair --help)\n"},
		{"host repair share-standard-2 --discard --reason old", guarded, "headroom: nothing of host share-standard-2 is kept until somebody says that it may go\nheadroom host explain share-standard-2 says how it is.\n"},
		{"host resize database-standard-1 --size m6i.xlarge --reason small", guarded, "headroom: host database-standard-1 is a database host\nOnly share hosts have a machine of their own.\n"},
		{"host replace share-standard-1 --image ami-0f11e5a7e4a7e0000 --reason old --dry-run", guarded, "headroom: image ami-0f11e5a7e4a7e0000 (aws-storage-gateway-1.27.0, of 2024-01-15) is older than ami-0f11e5a7e4a7e0001 (aws-storage-gateway-2.0.0, of 2025-09-08), which the gateway runs from, and no older appliance takes a gateway over\naws ssm get-parameter --name /aws/service/storagegateway/ami/FILE_S3/latest names the newest.\n"},
		{"host replace share-standard-1 --image ami-0a1b2c3d4e5f60718 --reason typo", guarded, "headroom: EC2 knows no image ami-0a1b2c3d4e5f60718\naws ssm get-parameter --name /aws/service/storagegateway/ami/FILE_S3/latest names the newest.\n"},
		{"departure again globex.m4rkglobex share --reason cleared", guarded, "headroom: the share of departure globex.m4rkglobex is not quarantined\nheadroom tenant explain globex says how it is.\n"},
		{"departure resume globex.other --reason mended", missing, "headroom: there is no departure globex.other\nheadroom tenant show globex names the departures of the tenant.\n"},
		{"slot again share-standard-2/9 --reason emptied", missing, "headroom: host share-standard-2 has no slot 9\nheadroom host show share-standard-2 lists its slots.\n"},
		{"slot again share-standard-2/2 --reason emptied", guarded, "headroom: slot share-standard-2/2 is not in quarantine: it is free\nheadroom host show share-standard-2 lists its slots.\n"},
		{"slot retire share-standard-2/3 --reason unclear", undecided, "headroom: slot share-standard-2/3 goes out of use for good: not confirmed, and nothing was changed; --yes says that it is meant\n"},
		{"slot again share-standard-2/3", refused, "headroom: --reason is missing: say why, for who reads the history (see headroom slot again --help)\n"},
		{"pool policy diff gone.json", failed, "headroom: read the document: open gone.json: no such file or directory\n"},
		{"dlq redrive poolcheck --reason mended", guarded, "headroom: queue poolcheck has no dead letters\nheadroom dlq list shows where there are some; those that somebody looks at are hidden for half a minute.\n"},
		{"logs acme --since 0s", refused, "headroom: --since is 0s, and must be more than nothing (see headroom logs --help)\n"},
		{"dlq drop signup", refused, "headroom: --id names one, or --all means all of them: one of the two (see headroom dlq drop --help)\n"},
		{"recover", refused, "headroom: --reason is missing: say why, for who reads the audit (see headroom recover --help)\n"},
		{"recover --dry-run --drop --reason both", refused, "headroom: --dry-run and --drop can't both be meant (see headroom recover --help)\n"},
		{"doctor", notWell, "headroom: something needs a person\n"},
		{"audit --days 500", refused, "headroom: --days is 500, and must be from 0 to 400 (see headroom audit --help)\n"},
		{"status --check", notWell, "headroom: something needs a person\n"},
	} {
		t.Run(test.args, func(t *testing.T) {
			status, _, stderr := execute(newRoot(), append(strings.Fields(test.args), "--endpoint", d.Endpoint)...)
			if test.args == "host" || test.args == "host lits" { // a group has no such flag
				status, _, stderr = execute(newRoot(), strings.Fields(test.args)...)
				_, stderr, _ = strings.Cut(stderr, "headroom: ")
				stderr = "headroom: " + stderr
			}
			stderr = ranges.ReplaceAllString(stderr, "from FROM to UNTIL")
			if status != test.status || stderr != test.says {
				t.Errorf("status %d, said\n%swant %d,\n%s", status, stderr, test.status, test.says)
			}
		})
	}
}

func TestWithoutANetworkItSaysWhatToLookAt(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	status, _, stderr := execute(newRoot(), "status", "--endpoint", "http://"+gone.Addr().String())
	if status != unreachable || !strings.Contains(stderr, "connection refused") || !strings.Contains(stderr, "Nothing answered: look at the network") {
		t.Errorf("status %d, said %s", status, stderr)
	}
}

func TestWhoTakesThePageForTheCloudIsToldBetter(t *testing.T) {
	cloud := "http://127.0.0.1:4566"
	shown, err := demopage.New(demopage.Config{AWS: aws.Config{BaseEndpoint: &cloud}, Now: time.Now})
	if errors.Is(err, demopage.ErrNoLibrary) {
		t.Fatalf("%v, or `make setup` before a test", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = shown.Handler(server.Listener.Addr().String())
	server.Start()
	defer server.Close()
	for _, line := range []string{"status", "status --stage dev"} {
		status, stdout, stderr := execute(newRoot(), append(strings.Fields(line), "--endpoint", server.URL)...)
		want := "headroom: " + server.URL + " is the demo's page for browsers; its cloud is at http://127.0.0.1:4566\nGive that address to --endpoint, or AWS_ENDPOINT_URL.\n"
		if status != refused || stdout != "" || stderr != want {
			t.Errorf("%s: status %d, said\n%swant\n%s", line, status, stderr, want)
		}
	}
}

func TestWithoutCredentialsItSaysHowToGetSome(t *testing.T) {
	d := cloud(t)
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	status, _, stderr := execute(newRoot(), "status", "--profile", "nobody", "--endpoint", d.Endpoint)
	if status != unreachable || !strings.Contains(stderr, "set AWS_PROFILE or --profile") {
		t.Errorf("status %d, said %s", status, stderr)
	}
}

func TestWithoutARegionItSaysSo(t *testing.T) {
	for _, variable := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(variable, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	if status, _, stderr := execute(newRoot(), "status"); status != refused {
		t.Errorf("status %d", status)
	} else {
		golden(t, "no-region.stderr", stderr)
	}
}

func TestAShellCompletesWhatThereIs(t *testing.T) {
	d := cloud(t)
	for line, want := range map[string]string{
		"host show --endpoint " + d.Endpoint + " share": "share-standard-1\tin-service\nshare-standard-2\tcordoned\nshare-standard-3\tbuilding\n:4\n",
		"tenant show --endpoint " + d.Endpoint + " ac":  "acme\tready\n:4\n",
		"pool show --endpoint " + d.Endpoint + " d":     "database-standard\n:4\n",
		"dlq show --endpoint " + d.Endpoint + " signup": "signup\t1 dead letters\nsignupsteps\t0 dead letters\n:4\n",
		"host show --endpoint http://127.0.0.1:1 share": ":4\n",
		"pool li": "list\tList the pools.\n:4\n",
	} {
		if _, stdout, _ := execute(newRoot(), append([]string{"__complete"}, strings.Fields(line)...)...); stdout != want {
			t.Errorf("%s: %q, want %q", line, stdout, want)
		}
	}
}

// What can't be meant at all is said before anything is asked.
func TestALineThatCanNotBeMeantIsRefused(t *testing.T) {
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"status", "--endpoint", "cloud"}, "headroom: --endpoint, or AWS_ENDPOINT_URL, is \"cloud\", and must be an address such as http://127.0.0.1:4566\n"},
		{[]string{"tenant", "show", ""}, "headroom: which tenant? It is empty (see headroom tenant show --help)\n"},
		{[]string{"help", "nothing"}, "headroom: there is no command \"nothing\" (see headroom --help)\n"},
		{[]string{"help", "host", "nothing"}, "headroom: there is no command \"host nothing\" (see headroom --help)\n"},
	} {
		if status, stdout, stderr := execute(newRoot(), test.args...); status != refused || stdout != "" || stderr != test.says {
			t.Errorf("%q: status %d, printed %q, said %q", test.args, status, stdout, stderr)
		}
	}
	_, asked, _ := execute(newRoot(), "help", "host", "list")
	if _, want, _ := execute(newRoot(), "host", "list", "--help"); asked != want || want == "" {
		t.Errorf("help host list prints\n%s, and host list --help\n%s", asked, want)
	}
}

// What can be told without asking is told before anything is asked.
func TestWhatNobodyHasToBeAskedAboutIsRefusedAtOnce(t *testing.T) {
	var asked atomic.Int32
	cloud := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer cloud.Close()
	const (
		noTenant = "%q is no tenant\nIt is up to 64 letters, digits, - and _, a letter or digit first; headroom tenant list names them.\n"
		noHost   = "%q is no host\nIt is kind, tier and number, such as share-standard-3; headroom host list names them.\n"
		noPool   = "%q is no pool\nIt is the kind and the tier, such as database-standard or share-standard; headroom pool list names them.\n"
		noTier   = "%q is no tier\nIt is up to 20 small letters and digits, such as standard.\n"
		noSlot   = "%q is no slot\nIt is host and number, such as share-standard-3/2; headroom host show lists the slots of a host.\n"
		own      = "It is one such as 10.40.1.7, of the tenant's application server.\n"
		because  = " --reason because"
	)
	for _, test := range []struct{ args, says string }{
		{"signup acme 10.40.1.300", `"10.40.1.300" is not one IPv4 address` + "\n" + own},
		{"signup acme! 10.40.1.3", fmt.Sprintf(noTenant, "acme!")},
		{"signup acme 10.40.1.3 --tier Gold", "--tier: " + fmt.Sprintf(noTier, "Gold")},
		{"address add acme 999.1.2.3 --reason because", `"999.1.2.3" is not one IPv4 address` + "\n" + own},
		{"address add acme foo --dry-run --reason because", `"foo" is not one IPv4 address` + "\n" + own},
		{"address add acme 10.40.1.0/24 --reason because", `"10.40.1.0/24" is not one IPv4 address` + "\n" + own},
		{"address remove acme fe80::1 --reason because", `"fe80::1" is not one IPv4 address` + "\n" + own},
		{"address remove acme 224.0.0.1 --reason because", `"224.0.0.1" is a multicast address, not a unicast address of a host` + "\n" + own},
		{"address add --reason because -- -acme 10.40.1.3", fmt.Sprintf(noTenant, "-acme")},
		{"decommission a/b" + because, fmt.Sprintf(noTenant, "a/b")},
		{"decommission acme --grace long" + because, "--grace: \"long\" is no grace\nIt is a duration such as 72h.\n"},
		{"decommission acme --reason " + strings.Repeat("x", 401), "--reason is longer than 400 bytes (see headroom decommission --help)\n"},
		{"undo a.b" + because, fmt.Sprintf(noTenant, "a.b")},
		{"restore a.b --share --to 2026-01-05T10:00:00Z" + because, fmt.Sprintf(noTenant, "a.b")},
		{"restore acme --share --to 2026-01-05T10:00:00Z --grace -1h" + because, "--grace: \"-1h\" is no grace\nIt is a duration such as 72h.\n"},
		{"tenant move acme --most soon" + because, "--most: \"soon\" is no time to be shut out\nIt is a duration such as 10m.\n"},
		{"tenant move acme --to share-standard-1" + because, "--to: \"share-standard-1\" is no database host\nIt is kind, tier and number, such as database-standard-3; headroom host list names them.\n"},
		{"tenant show a.b", fmt.Sprintf(noTenant, "a.b")},
		{"tenant history a.b", fmt.Sprintf(noTenant, "a.b")},
		{"tenant explain a.b", fmt.Sprintf(noTenant, "a.b")},
		{"tenant list --host shares", "--host: " + fmt.Sprintf(noHost, "shares")},
		{"tenant list --tier #1", "--tier: " + fmt.Sprintf(noTier, "#1")},
		{"host show shares", fmt.Sprintf(noHost, "shares")},
		{"host explain shares-standard-1", fmt.Sprintf(noHost, "shares-standard-1")},
		{"host cordon share-standard" + because, fmt.Sprintf(noHost, "share-standard")},
		{"host protect share-standard-0" + because, fmt.Sprintf(noHost, "share-standard-0")},
		{"host retire nas" + because, fmt.Sprintf(noHost, "nas")},
		{"host repair nas --drop" + because, fmt.Sprintf(noHost, "nas")},
		{"host resize share-standard-1 --size small" + because, "--size: \"small\" is no size of a gateway's machine\nIt is xlarge or larger, such as m6i.2xlarge.\n"},
		{"host list --pool files", "--pool: " + fmt.Sprintf(noPool, "files")},
		{"pool show files", fmt.Sprintf(noPool, "files")},
		{"plan --tier A", "--tier: " + fmt.Sprintf(noTier, "A")},
		{"slot again share-standard-3" + because, fmt.Sprintf(noSlot, "share-standard-3")},
		{"slot retire share-standard-3/0" + because, fmt.Sprintf(noSlot, "share-standard-3/0")},
		{"departure resume acme" + because, "\"acme\" is no departure\nheadroom tenant show names the departures of a tenant.\n"},
		{"departure again acme.m4rk files" + because, "\"files\" is no slot (database or share)\nIt is database or share.\n"},
		{"logs a/b", "\"a/b\" is no tenant, host or correlation id\nheadroom tenant history and host show name the correlation ids of a tenant and of a host.\n"},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Setenv("AWS_ENDPOINT_URL", cloud.URL)
			status, stdout, stderr := execute(newRoot(), strings.Fields(test.args)...)
			if status != refused || stdout != "" || stderr != "headroom: "+test.says {
				t.Errorf("status %d, said\n%swant\nheadroom: %s", status, stderr, test.says)
			}
			if n := asked.Load(); n != 0 {
				t.Errorf("%d requests were sent", n)
			}
		})
	}
}
