package ec2

import (
	"fmt"
	"strconv"
	"strings"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/service/servicequotas"
)

// threads are the vCPUs of a core of an instance.
const threads = 2

// vcpus are those of an instance of a type: four of an xlarge, and as many times that as the number before says (Amazon EC2 instance
// types guide). Of smaller ones there are two here.
func vcpus(kind string) int {
	_, size, _ := strings.Cut(kind, ".")
	times, xlarge := strings.CutSuffix(size, "xlarge")
	if !xlarge {
		return 2
	}
	n, _ := strconv.Atoi(times) // "xlarge" has no number
	return 4 * max(1, n)
}

// over reports whether something more is beyond a quota of the account; the quota, if it is. The caller holds the lock.
func (e *EC2) over(code string, there int, units float64) (most int, over bool) {
	if e.cfg.Quota == nil {
		return 0, false
	}
	value := e.cfg.Quota(code)
	return int(value), float64(there) > value*units
}

// mayRun refuses a machine that is beyond the quota of vCPUs. The caller holds the lock.
func (e *EC2) mayRun(kind string) error {
	wanted := vcpus(kind)
	for _, i := range e.instances {
		if i.state == pending || i.state == running {
			wanted += vcpus(i.kind)
		}
	}
	most, over := e.over(servicequotas.VCPUs, wanted, 1)
	if !over {
		return nil
	}
	return &endpoint.Error{Code: "VcpuLimitExceeded", Message: fmt.Sprintf(
		"You have requested more vCPU capacity than your current vCPU limit of %d allows for the instance bucket that the specified instance type belongs to. "+
			"Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.", most)}
}

// mayStore refuses a volume that is beyond the quota of storage. The caller holds the lock.
func (e *EC2) mayStore(gib int) error {
	for _, v := range e.volumes {
		gib += v.sizeGiB
	}
	most, over := e.over(servicequotas.Storage, gib, 1024)
	if !over {
		return nil
	}
	return &endpoint.Error{Code: "VolumeLimitExceeded", Message: fmt.Sprintf("You have exceeded your maximum gp3 storage limit of %d TiB in this region. Please contact AWS Support to request an Elastic Block Store service limit increase.", most)}
}

// mayConnect refuses an interface that is beyond the quota. The caller holds the lock.
func (e *EC2) mayConnect() error {
	most, over := e.over(servicequotas.Interfaces, len(e.nics)+1, 1)
	if !over {
		return nil
	}
	return &endpoint.Error{Code: "NetworkInterfaceLimitExceeded", Message: fmt.Sprintf("Your account has reached the limit of %d network interfaces for this region", most)}
}

// mayGroup refuses a security group that is beyond the quota. The caller holds the lock.
func (e *EC2) mayGroup() error {
	if _, over := e.over(servicequotas.SecurityGroups, len(e.groups)+1, 1); !over {
		return nil
	}
	return &endpoint.Error{Code: "SecurityGroupLimitExceeded", Message: "The maximum number of security groups has been reached."}
}
