package storagegateway

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkec2 "github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/storagegateway"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway/types"
	"github.com/google/go-cmp/cmp"

	"headroom/internal/local/nfsclient"
)

var (
	alice = netip.MustParseAddr("127.31.0.1")
	bob   = netip.MustParseAddr("127.31.0.2")
)

// nfsRule is the security group change that lets one address to NFS.
func nfsRule(from netip.Addr) []ec2types.IpPermission {
	return []ec2types.IpPermission{{
		IpProtocol: aws.String("tcp"), FromPort: aws.Int32(2049), ToPort: aws.Int32(2049),
		IpRanges: []ec2types.IpRange{{CidrIp: aws.String(from.String() + "/32"), Description: aws.String("tenant")}},
	}}
}

func (w *world) letIn(t *testing.T, from netip.Addr) {
	t.Helper()
	_, err := w.ec2.AuthorizeSecurityGroupIngress(t.Context(), &sdkec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &w.group, IpPermissions: nfsRule(from),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestShareOpensToOneClientFromEndToEnd(t *testing.T) {
	w := newWorld(t, "127.80.1.0/24")
	gateway := w.cached(t)
	share := w.share(t, gateway, "a", "192.0.2.1/32")
	w.share(t, gateway, "b", bob.String())
	if err := mount(t, w, alice, "/a"); !nfsclient.Refused(err) {
		t.Errorf("no rule, not on the list: %v", err)
	}
	w.letIn(t, alice)
	w.letIn(t, bob)
	eventually(t, "the rule is in force", func() bool {
		return errors.Is(mount(t, w, alice, "/a"), nfsclient.ErrMountDenied)
	})
	_, err := w.sgw.UpdateNFSFileShare(t.Context(), &sdk.UpdateNFSFileShareInput{
		FileShareARN: &share, ClientList: []string{alice.String() + "/32"},
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := []string{}
	eventually(t, "the new list is what is told", func() bool {
		now := w.describe(t, share)
		if len(seen) == 0 || seen[len(seen)-1] != now.status() {
			seen = append(seen, now.status())
		}
		return now.status() == "AVAILABLE" && cmp.Equal(now.ClientList, []string{alice.String() + "/32"})
	})
	if want := []string{"AVAILABLE", "UPDATING", "AVAILABLE"}; !cmp.Equal(seen, want) {
		t.Errorf("statuses %v, want %v", seen, want)
	}

	client, err := nfsclient.Dial(t.Context(), w.server(), alice, "/a")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if err := client.WriteFile(t.Context(), "hello", []byte("hi")); err != nil {
		t.Fatal(err)
	}
	if err := mount(t, w, bob, "/a"); !errors.Is(err, nfsclient.ErrMountDenied) {
		t.Errorf("a neighbour of the same gateway: %v", err)
	}
	thief, err := nfsclient.Reuse(t.Context(), w.server(), bob, client.Root())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = thief.Close() }()
	if _, err := thief.ReadFile(t.Context(), "hello"); !nfsclient.Refused(err) {
		t.Errorf("a neighbour with the handle: %v", err)
	}

	_, err = w.ec2.RevokeSecurityGroupIngress(t.Context(), &sdkec2.RevokeSecurityGroupIngressInput{GroupId: &w.group, IpPermissions: nfsRule(alice)})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the revoked rule is out of force", func() bool {
		return mount(t, w, alice, "/a") != nil
	})
	if _, err := client.ReadFile(t.Context(), "hello"); err != nil {
		t.Errorf("the rule's end cut a client that had mounted: %v", err)
	}
	_, err = w.sgw.UpdateNFSFileShare(t.Context(), &sdk.UpdateNFSFileShareInput{FileShareARN: &share, ClientList: []string{"192.0.2.1/32"}})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the client list puts out a client that had mounted", func() bool {
		_, err := client.ReadFile(t.Context(), "hello")
		return nfsclient.Refused(err)
	})
}

func mount(t *testing.T, w *world, from netip.Addr, export string) error {
	t.Helper()
	client, err := nfsclient.Dial(t.Context(), w.server(), from, export)
	if err == nil {
		_ = client.Close()
	}
	return err
}

func TestCreateIsIdempotentByToken(t *testing.T) {
	w := newWorld(t, "127.80.3.0/24")
	gateway := w.cached(t)
	first, err := w.sgw.CreateNFSFileShare(t.Context(), shareInput(gateway, "a", "192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.sgw.CreateNFSFileShare(t.Context(), shareInput(gateway, "a", "192.0.2.1"))
	if err != nil || *again.FileShareARN != *first.FileShareARN {
		t.Errorf("again: %v, %v", again, err)
	}
	if status := w.describe(t, *first.FileShareARN).status(); status != "CREATING" {
		t.Errorf("it is %s at once", status)
	}
	other := shareInput(gateway, "b", "192.0.2.1")
	other.ClientToken = aws.String("token-a")
	if _, err := w.sgw.CreateNFSFileShare(t.Context(), other); inner(err) == "" {
		t.Errorf("the token for another share: %v", err)
	}
	twice := shareInput(gateway, "a", "192.0.2.1")
	twice.ClientToken = aws.String("another")
	if _, err := w.sgw.CreateNFSFileShare(t.Context(), twice); inner(err) == "" {
		t.Errorf("the name for another share: %v", err)
	}
	eventually(t, "it is listed", func() bool {
		list, err := w.sgw.ListFileShares(t.Context(), &sdk.ListFileSharesInput{GatewayARN: &gateway})
		return err == nil && len(list.FileShareInfoList) == 1 && list.Marker == nil && list.NextMarker == nil
	})
}

func TestShareOfAnUntrustingRoleIsUnavailable(t *testing.T) {
	w := newWorld(t, "127.80.10.0/24")
	created, err := w.sgw.CreateNFSFileShare(t.Context(), shareInput(w.cached(t), "untrusting", "192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is unavailable", func() bool { return w.describe(t, *created.FileShareARN).status() == "UNAVAILABLE" })
}

func TestRefusalsAreWordedAsTheServiceDoes(t *testing.T) {
	w := newWorld(t, "127.80.4.0/24")
	key := w.key(t)
	nobody := aws.String("arn:aws:storagegateway:eu-west-1:123456789012:gateway/sgw-NOBODY00")
	activate := func(change func(*sdk.ActivateGatewayInput)) error {
		input := &sdk.ActivateGatewayInput{
			ActivationKey: &key, GatewayName: aws.String("gateway"), GatewayRegion: aws.String(region),
			GatewayTimezone: aws.String("GMT"), GatewayType: aws.String("FILE_S3"),
		}
		change(input)
		_, err := w.sgw.ActivateGateway(t.Context(), input)
		return err
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"unknown key":    {activate(func(i *sdk.ActivateGatewayInput) { i.ActivationKey = aws.String("AAAAA-BBBBB") }), "ActivationKeyNotFound"},
		"default type":   {activate(func(i *sdk.ActivateGatewayInput) { i.GatewayType = nil }), "ActivationKeyInvalid"},
		"another region": {activate(func(i *sdk.ActivateGatewayInput) { i.GatewayRegion = aws.String("us-east-1") }), "ActivationKeyInvalid"},
		"unknown gateway": {func() error {
			_, err := w.sgw.DescribeGatewayInformation(t.Context(), &sdk.DescribeGatewayInformationInput{GatewayARN: nobody})
			return err
		}(), "GatewayNotFound"},
		"unknown share": {func() error {
			_, err := w.sgw.DescribeNFSFileShares(t.Context(), &sdk.DescribeNFSFileSharesInput{FileShareARNList: []string{"arn:aws:storagegateway:eu-west-1:123456789012:share/share-NOBODY00"}})
			return err
		}(), "FileShareNotFound"},
	} {
		if code(c.err) != "InvalidGatewayRequestException" || inner(c.err) != c.want {
			t.Errorf("%s: %v, want %s", name, c.err, c.want)
		}
	}
	gateway := w.activate(t)
	if err := activate(func(*sdk.ActivateGatewayInput) {}); inner(err) != "ActivationKeyNotFound" {
		t.Errorf("the key again: %v", err)
	}
	if _, err := w.sgw.CreateNFSFileShare(t.Context(), shareInput(gateway, "a", "192.0.2.1")); inner(err) == "" {
		t.Errorf("a share without a cache: %v", err)
	}
	if _, err := w.sgw.AddCache(t.Context(), &sdk.AddCacheInput{GatewayARN: &gateway, DiskIds: []string{"none"}}); inner(err) != "DiskDoesNotExist" {
		t.Errorf("an unknown disk: %v", err)
	}
	disks, err := w.sgw.ListLocalDisks(t.Context(), &sdk.ListLocalDisksInput{GatewayARN: &gateway})
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []string{"", "DiskAlreadyAllocated"} {
		_, err := w.sgw.AddCache(t.Context(), &sdk.AddCacheInput{GatewayARN: &gateway, DiskIds: []string{*disks.Disks[0].DiskId}})
		if inner(err) != want {
			t.Errorf("add the cache, time %d: %v", n+1, err)
		}
	}
	w.stop()
	if _, err := w.sgw.ListLocalDisks(t.Context(), &sdk.ListLocalDisksInput{GatewayARN: &gateway}); inner(err) != "GatewayNotConnected" {
		t.Errorf("without its machine: %v", err)
	}
}

func TestUpdateDuringAnUpdateIsRefused(t *testing.T) {
	w := newWorld(t, "127.80.5.0/24")
	share := w.share(t, w.cached(t), "a", "192.0.2.1")
	update := func() error {
		_, err := w.sgw.UpdateNFSFileShare(t.Context(), &sdk.UpdateNFSFileShareInput{FileShareARN: &share, ClientList: []string{"192.0.2.2"}})
		return err
	}
	if err := update(); err != nil {
		t.Fatal(err)
	}
	if err := update(); inner(err) == "" {
		t.Errorf("a second update: %v", err)
	}
	eventually(t, "the first is done", func() bool { return cmp.Equal(w.describe(t, share).ClientList, []string{"192.0.2.2"}) })
	if err := update(); err != nil {
		t.Errorf("an update after it: %v", err)
	}
}

func TestUpdateKeepsWhatItDoesNotName(t *testing.T) {
	w := newWorld(t, "127.80.9.0/24")
	share := w.share(t, w.cached(t), "a", "192.0.2.1")
	_, err := w.sgw.UpdateNFSFileShare(t.Context(), &sdk.UpdateNFSFileShareInput{FileShareARN: &share, ClientList: []string{}})
	if code(err) != "ValidationException" {
		t.Errorf("an empty client list: %v", err)
	}
	_, err = w.sgw.UpdateNFSFileShare(t.Context(), &sdk.UpdateNFSFileShareInput{FileShareARN: &share, ReadOnly: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is done", func() bool { return aws.ToBool(w.describe(t, share).ReadOnly) })
	if now := w.describe(t, share); !cmp.Equal(now.ClientList, []string{"192.0.2.1"}) {
		t.Errorf("the client list became %v", now.ClientList)
	}
}

func TestTagsOfSharesAndGateways(t *testing.T) {
	w := newWorld(t, "127.80.6.0/24")
	gateway := w.cached(t)
	share := w.share(t, gateway, "a", "192.0.2.1")
	for _, arn := range []string{gateway, share} {
		_, err := w.sgw.AddTagsToResource(t.Context(), &sdk.AddTagsToResourceInput{ResourceARN: &arn, Tags: []types.Tag{
			{Key: aws.String("headroom:status"), Value: aws.String("Available")}, {Key: aws.String("x"), Value: aws.String("y")},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.sgw.RemoveTagsFromResource(t.Context(), &sdk.RemoveTagsFromResourceInput{ResourceARN: &arn, TagKeys: []string{"x"}}); err != nil {
			t.Fatal(err)
		}
		listed, err := w.sgw.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceARN: &arn})
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]string{}
		for _, tag := range listed.Tags {
			found[*tag.Key] = *tag.Value
		}
		if found["headroom:status"] != "Available" || found["x"] != "" {
			t.Errorf("%s has the tags %v", arn, found)
		}
		if policies := w.fake.Tags(arn); !maps.Equal(policies, found) {
			t.Errorf("policies see the tags %v of %s, want %v", policies, arn, found)
		}
	}
	if tags := w.fake.Tags(gateway + "0"); tags != nil {
		t.Errorf("a gateway that there is not has the tags %v", tags)
	}
	_, err := w.sgw.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceARN: aws.String(gateway + "0")})
	if inner(err) != "GatewayNotFound" {
		t.Errorf("tags of a gateway that there is not: %v", err)
	}
	described, err := w.sgw.DescribeGatewayInformation(t.Context(), &sdk.DescribeGatewayInformationInput{GatewayARN: &gateway})
	if err != nil || len(described.Tags) != len(w.fake.Tags(gateway)) {
		t.Errorf("described with the tags %v, %v", described.Tags, err)
	}
	w.stop()
	if _, err := w.sgw.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceARN: &gateway}); err != nil {
		t.Errorf("tags of a gateway whose machine is stopped: %v", err)
	}
}

func TestListingGoesOnWhereItStopped(t *testing.T) {
	w := newWorld(t, "127.80.7.0/24")
	gateway := w.cached(t)
	want := []string{}
	for n := range 5 {
		created, err := w.sgw.CreateNFSFileShare(t.Context(), shareInput(gateway, fmt.Sprintf("s%d", n), "192.0.2.1"))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, *created.FileShareARN)
	}
	time.Sleep(30 * time.Millisecond)
	got := []string{}
	pages := sdk.NewListFileSharesPaginator(w.sgw, &sdk.ListFileSharesInput{GatewayARN: &gateway, Limit: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, share := range page.FileShareInfoList {
			got = append(got, *share.FileShareARN)
		}
	}
	if !cmp.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
}

func TestNotificationsAndDeletionWaitForTheBucket(t *testing.T) {
	w := newWorld(t, "127.80.8.0/24")
	gateway := w.cached(t)
	share := w.share(t, gateway, "a", alice.String())
	w.letIn(t, alice)
	var client *nfsclient.Client
	eventually(t, "it mounts", func() bool {
		var err error
		client, err = nfsclient.Dial(t.Context(), w.server(), alice, "/a")
		return err == nil
	})
	defer func() { _ = client.Close() }()
	if err := client.WriteFile(t.Context(), "hello", []byte("hi")); err != nil {
		t.Fatal(err)
	}
	cache, err := w.sgw.DescribeCache(t.Context(), &sdk.DescribeCacheInput{GatewayARN: &gateway})
	if err != nil || cache.CacheDirtyPercentage == 0 || cache.CacheAllocatedInBytes != 150<<30 {
		t.Errorf("cache %+v: %v", cache, err)
	}
	notification, err := w.sgw.NotifyWhenUploaded(t.Context(), &sdk.NotifyWhenUploadedInput{FileShareARN: &share})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the event comes", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.events) == 1 && w.events[0].detailType == "Storage Gateway File Upload Event" &&
			w.events[0].detail.(map[string]any)["notification-id"] == *notification.NotificationId
	})
	if _, err := w.sgw.DeleteFileShare(t.Context(), &sdk.DeleteFileShareInput{FileShareARN: &share}); err != nil {
		t.Fatal(err)
	}
	if status := w.describe(t, share).status(); status != "DELETING" {
		t.Errorf("it is %s", status)
	}
	eventually(t, "it is gone", func() bool {
		_, err := w.sgw.DescribeNFSFileShares(t.Context(), &sdk.DescribeNFSFileSharesInput{FileShareARNList: []string{share}})
		return inner(err) == "FileShareNotFound"
	})
	if _, err := client.ReadFile(t.Context(), "hello"); !nfsclient.Refused(err) {
		t.Errorf("the deleted share still reads: %v", err)
	}
	if _, err := w.sgw.DeleteGateway(t.Context(), &sdk.DeleteGatewayInput{GatewayARN: &gateway}); err != nil {
		t.Fatal(err)
	}
	if gateways, err := w.sgw.ListGateways(t.Context(), &sdk.ListGatewaysInput{}); err != nil || len(gateways.Gateways) != 0 {
		t.Errorf("gateways %v: %v", gateways, err)
	}
}
