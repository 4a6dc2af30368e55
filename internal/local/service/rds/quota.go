package rds

import (
	"context"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/service/servicequotas"
)

// counted are what RDS counts against quotas, by its own names: how many there are. The caller holds the lock.
func (r *RDS) counted(name string) (there int, code string) {
	switch name {
	case "DBInstances":
		return len(r.instances), servicequotas.Instances
	case "DBParameterGroups":
		return len(r.parameters), servicequotas.ParameterGroups
	default:
		return len(r.subnets), servicequotas.SubnetGroups
	}
}

// underQuota refuses one more than a quota lets there be. The caller holds the lock.
func (r *RDS) underQuota(name, refusal, words string) error {
	there, code := r.counted(name)
	if r.cfg.Quota == nil || float64(there) < r.cfg.Quota(code) {
		return nil
	}
	return refused(refusal, "%s", words)
}

// attributes answers DescribeAccountAttributes.
func (r *RDS) attributes(context.Context, endpoint.Call) (any, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []any{}
	for _, name := range []string{"DBInstances", "DBParameterGroups", "DBSubnetGroups"} {
		there, code := r.counted(name)
		quota := map[string]any{"AccountQuotaName": name, "Used": there}
		if r.cfg.Quota != nil {
			quota["Max"] = int(r.cfg.Quota(code))
		}
		list = append(list, quota)
	}
	return map[string]any{"AccountQuotas": endpoint.List{Element: "AccountQuota", Items: list}}, nil
}
