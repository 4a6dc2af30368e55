package announce

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"headroom/events"
	"headroom/internal/pool"
)

// usage is what the tenants of a database host use now, those that use the most first, or why that could not be read: a host
// that is full or down does not answer. It is read of a host that is cordoned by then.
func (a *Announcer) usage(ctx context.Context, h pool.Host) ([]events.TenantUse, error) {
	if a.Usage == nil || h.Kind != pool.Database || len(tenantsOf(h)) == 0 {
		return nil, nil
	}
	use, err := a.Usage.Usage(ctx, h)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(use, func(a, b events.TenantUse) int {
		return cmp.Or(cmp.Compare(b.Active, a.Active), cmp.Compare(b.Connections, a.Connections), cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.TenantID, b.TenantID))
	})
	return use, nil
}

// useLines words it.
func useLines(use []events.TenantUse, unread error) []string {
	if unread != nil {
		return []string{"What its tenants use now could not be read: " + unread.Error(), ""}
	}
	if len(use) == 0 {
		return nil
	}
	lines := []string{"What its tenants use now:", fmt.Sprintf("  %7s %12s %12s  %s", "active", "connections", "MiB", "tenant")}
	for _, u := range use {
		lines = append(lines, fmt.Sprintf("  %7d %12d %12d  %s", u.Active, u.Connections, u.Bytes>>20, u.TenantID))
	}
	return append(lines, "")
}

// runbookOf is the section about what keeps a host from service.
func runbookOf(h pool.Host) string {
	kind := map[pool.Kind]string{pool.Database: "database-", pool.Share: "gateway-"}[h.Kind]
	if on := h.Alarmed(); len(on) > 0 {
		return kind + on[0][strings.LastIndex(on[0], "-")+1:]
	}
	return map[pool.Kind]string{pool.Database: "database-silence", pool.Share: "gateway-status"}[h.Kind]
}
