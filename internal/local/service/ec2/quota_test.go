package ec2

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"headroom/internal/local/service/servicequotas"
)

// What is made with stacks is refused beyond a quota, and so is a machine that is started; raised, it is made.
func TestNothingIsMadeBeyondAQuota(t *testing.T) {
	b := newBench(t)
	most := map[string]float64{servicequotas.VCPUs: 8, servicequotas.Storage: 2, servicequotas.Interfaces: 4, servicequotas.SecurityGroups: 2}
	b.set(func(c *Config) { c.Quota = func(code string) float64 { return most[code] } })
	subnet := b.make(t, "Subnet", "Subnet", map[string]any{"AvailabilityZone": "eu-west-1b", "VpcId": "vpc-1"}).PhysicalID
	group := b.make(t, "Group0", "SecurityGroup", map[string]any{"GroupDescription": "g"}).PhysicalID
	machine := func(id string) error {
		_, err := b.Create(t.Context(), declared(id, "Instance", map[string]any{"InstanceType": "m5.xlarge", "SubnetId": subnet, "SecurityGroupIds": []any{group}}))
		return err
	}
	for _, id := range []string{"First", "Second"} {
		if err := machine(id); err != nil {
			t.Fatal(err)
		}
	}
	if err := machine("Third"); code(err) != "VcpuLimitExceeded" {
		t.Errorf("twelve of eight vCPUs: %v", err)
	}
	out, err := b.client.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{})
	if err != nil || len(out.Reservations) != 2 {
		t.Fatalf("%+v, %v", out, err)
	}
	first := out.Reservations[0].Instances[0]
	if *first.CpuOptions.CoreCount**first.CpuOptions.ThreadsPerCore != 4 {
		t.Errorf("an xlarge has %+v", first.CpuOptions)
	}
	if err := b.stopInstance(t, *first.InstanceId); err != nil {
		t.Fatal(err)
	}
	b.reaches(t, *first.InstanceId, "stopped")
	if err := machine("Third"); err != nil {
		t.Errorf("in place of one that is stopped: %v", err)
	}
	if err := b.startInstance(t, *first.InstanceId); code(err) != "VcpuLimitExceeded" {
		t.Errorf("started again: %v", err)
	}
	most[servicequotas.VCPUs] = 12
	if err := b.startInstance(t, *first.InstanceId); err != nil {
		t.Errorf("started since there is more: %v", err)
	}
	for _, test := range []struct {
		kind, quota, want string
		properties        map[string]any
	}{
		{"SecurityGroup", servicequotas.SecurityGroups, "SecurityGroupLimitExceeded", map[string]any{"GroupDescription": "g"}},
		{"NetworkInterface", servicequotas.Interfaces, "NetworkInterfaceLimitExceeded", map[string]any{"SubnetId": subnet, "GroupSet": []any{group}}},
		{"Volume", servicequotas.Storage, "VolumeLimitExceeded", map[string]any{"AvailabilityZone": "eu-west-1b", "Size": 800}},
	} {
		b.make(t, test.kind+"1", test.kind, test.properties)
		again := declared(test.kind+"2", test.kind, test.properties)
		if test.kind == "Volume" {
			b.make(t, "Volume0", test.kind, test.properties)
		}
		if _, err := b.Create(t.Context(), again); code(err) != test.want {
			t.Errorf("%s: %v", test.kind, err)
		}
		most[test.quota] = 100
		if _, err := b.Create(t.Context(), again); err != nil {
			t.Errorf("%s, since there may be more: %v", test.kind, err)
		}
	}
}
