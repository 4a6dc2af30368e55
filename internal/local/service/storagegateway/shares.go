package storagegateway

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine/appliance"
	"headroom/internal/local/weakjson"
)

// Statuses of a share.
const (
	creating      = "CREATING"
	updating      = "UPDATING"
	available     = "AVAILABLE"
	unavailable   = "UNAVAILABLE"
	deleting      = "DELETING"
	forceDeleting = "FORCE_DELETING"
)

// share is one NFS file share as the API knows it.
type share struct {
	arn, id, gateway string
	number           int // in the order of their making
	status           string
	changing         bool // an update is under way, whether or not the status shows it
	settings         settings
	tags             map[string]string
	listed           time.Time // from when on it is listed
}

// settings is what a request says of a share.
type settings struct {
	ClientToken    string         `json:"ClientToken"`
	GatewayARN     string         `json:"GatewayARN"`
	LocationARN    string         `json:"LocationARN"`
	Role           string         `json:"Role"`
	FileShareName  string         `json:"FileShareName"`
	ClientList     []string       `json:"ClientList"`
	ReadOnly       weakjson.Bool  `json:"ReadOnly"`
	Squash         string         `json:"Squash"`
	EncryptionType string         `json:"EncryptionType"`
	KMSEncrypted   *weakjson.Bool `json:"KMSEncrypted"`
	KMSKey         string         `json:"KMSKey"`
	StorageClass   string         `json:"DefaultStorageClass"`
	Tags           []weakjson.Tag `json:"Tags"`
}

var shareName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,255}$`)

// check refuses what the API refuses, and fills in what it fills in.
func (s *settings) check() error {
	for _, required := range []struct{ name, value string }{
		{"clientToken", s.ClientToken}, {"gatewayARN", s.GatewayARN}, {"locationARN", s.LocationARN}, {"role", s.Role},
	} {
		if required.value == "" {
			return invalid(fmt.Sprintf("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", required.name))
		}
	}
	if !strings.HasPrefix(s.LocationARN, "arn:aws:s3:::") {
		return refusal("InvalidParameters", "The specified location ARN is not valid.")
	}
	if !strings.HasPrefix(s.Role, "arn:aws:iam::") {
		return refusal("InvalidParameters", "The specified role is not valid.")
	}
	if s.FileShareName == "" {
		s.FileShareName = bucketOf(*s).Name
	}
	if !shareName.MatchString(s.FileShareName) {
		return refusal("InvalidParameters", "The specified file share name is not valid.")
	}
	switch {
	case s.EncryptionType == "":
		s.EncryptionType = "SseS3"
		if s.KMSEncrypted != nil && bool(*s.KMSEncrypted) {
			s.EncryptionType = "SseKms"
		}
	case s.KMSEncrypted != nil && bool(*s.KMSEncrypted) != (s.EncryptionType != "SseS3"):
		return refusal("InvalidParameters", "EncryptionType and KMSEncrypted conflict.")
	}
	if s.EncryptionType != "SseS3" && s.KMSKey == "" {
		return refusal("InvalidParameters", "KMSKey must be set for the encryption type.")
	}
	if s.Squash == "" {
		s.Squash = "RootSquash"
	}
	if s.StorageClass == "" {
		s.StorageClass = "S3_STANDARD"
	}
	_, err := clients(s.ClientList)
	return err
}

// clients reads a client list. What AWS makes of an empty one is not known: here it is an error.
func clients(list []string) ([]netip.Prefix, error) {
	if len(list) == 0 || len(list) > 100 {
		return nil, refusal("InvalidParameters", "The client list must have 1 to 100 items.")
	}
	var networks []netip.Prefix
	for _, written := range list {
		network, err := netip.ParsePrefix(written)
		if err != nil {
			var address netip.Addr
			if address, err = netip.ParseAddr(written); err != nil {
				return nil, refusal("InvalidParameters", fmt.Sprintf("The client %s is neither an address nor a CIDR block.", written))
			}
			network = netip.PrefixFrom(address, address.BitLen())
		}
		networks = append(networks, network.Masked())
	}
	return networks, nil
}

// bucketOf tells where a share's files go.
func bucketOf(s settings) appliance.Bucket {
	name, prefix, _ := strings.Cut(strings.TrimPrefix(s.LocationARN, "arn:aws:s3:::"), "/")
	return appliance.Bucket{Name: name, Prefix: prefix, RoleARN: s.Role, KeyARN: s.KMSKey}
}

// exported is the share as its appliance wants it.
func exported(id string, s settings) appliance.Share {
	networks, _ := clients(s.ClientList) // checked when it came in
	return appliance.Share{
		ID: id, Name: s.FileShareName, Bucket: bucketOf(s), Clients: networks, ReadOnly: bool(s.ReadOnly),
	}
}

func (g *Gateway) createShare(_ context.Context, call endpoint.Call) (any, error) {
	var input settings
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, invalid(err.Error())
	}
	if err := input.check(); err != nil {
		return nil, err
	}
	g.mu.Lock()
	token := input.GatewayARN + " " + input.ClientToken
	if arn, again := g.tokens[token]; again {
		defer g.mu.Unlock()
		if there := g.shares[arn]; there == nil || !reflect.DeepEqual(there.settings.born(), input.born()) {
			return nil, refusal("InvalidParameters", "The client token was used for another request.")
		}
		return map[string]any{"FileShareARN": arn}, nil
	}
	g.mu.Unlock()

	_, device, err := g.device(input.GatewayARN)
	if err != nil {
		return nil, err
	}
	if len(device.Cache()) == 0 {
		return nil, deviceError(appliance.ErrNoCache)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if arn, again := g.tokens[token]; again { // another request with the token came between
		return map[string]any{"FileShareARN": arn}, nil
	}
	count := 0
	for _, other := range g.shares {
		if other.gateway != input.GatewayARN {
			continue
		}
		if count++; other.settings.FileShareName == input.FileShareName {
			return nil, refusal("InvalidParameters", "A file share with this name exists already on the gateway.")
		}
	}
	if count >= 50 {
		return nil, refusal("InvalidParameters", "The gateway has reached the limit of 50 file shares.")
	}
	g.made++
	id := newID("share")
	s := &share{
		id: id, arn: fmt.Sprintf("arn:aws:storagegateway:%s:%s:share/%s", g.cfg.Region, g.cfg.Account, id),
		gateway: input.GatewayARN, number: g.made, status: creating, settings: input,
		tags: weakjson.Tags(nil, input.Tags), listed: time.Now().Add(g.cfg.Lag),
	}
	g.shares[s.arn], g.tokens[token] = s, s.arn
	g.work.Go(func() {
		if g.pause(g.cfg.Create) {
			g.bringUp(s, device, input)
		}
	})
	return map[string]any{"FileShareARN": s.arn}, nil
}

// born is what a repeated request must agree in: the client list may have been updated since.
func (s settings) born() settings {
	s.ClientList, s.Tags, s.KMSEncrypted = nil, nil, nil
	return s
}

// bringUp makes an appliance serve a share, or serve it as it is to be now.
func (g *Gateway) bringUp(s *share, device *appliance.Appliance, now settings) {
	err := g.cfg.Assume(now.Role, s.gateway)
	if err == nil {
		err = device.Export(g.life, exported(s.id, now))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s.changing = false
	if s.status == deleting || s.status == forceDeleting {
		return
	}
	if err != nil {
		g.cfg.Log.Error("file share can't be served", "share", s.arn, "error", err)
		s.status = unavailable
		return
	}
	s.status, s.settings = available, now
}

func (g *Gateway) updateShare(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		FileShareARN string         `json:"FileShareARN"`
		ClientList   *[]string      `json:"ClientList"`
		ReadOnly     *weakjson.Bool `json:"ReadOnly"`
		Squash       string         `json:"Squash"`
		KMSKey       string         `json:"KMSKey"`
	}
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, invalid(err.Error())
	}
	g.mu.Lock()
	s, ok := g.shares[input.FileShareARN]
	if !ok {
		g.mu.Unlock()
		return nil, errShareNotFound
	}
	gatewayARN := s.gateway
	g.mu.Unlock()
	_, device, err := g.device(gatewayARN)
	if err != nil {
		return nil, err
	}

	g.mu.Lock()
	defer g.mu.Unlock()
	if s.changing || s.status != available {
		return nil, refusal("InvalidParameters", fmt.Sprintf("The file share is %s.", strings.ToLower(s.shown())))
	}
	next := s.settings
	if input.ClientList != nil {
		if _, err := clients(*input.ClientList); err != nil {
			return nil, err
		}
		next.ClientList = *input.ClientList
	}
	if input.ReadOnly != nil {
		next.ReadOnly = *input.ReadOnly
	}
	if input.Squash != "" {
		next.Squash = input.Squash
	}
	if input.KMSKey != "" {
		next.KMSKey = input.KMSKey
	}
	s.changing = true
	g.work.Go(func() {
		// For a moment the old state is what is told: who asks now must not take it for the new one.
		if !g.pause(g.cfg.Lag) {
			return
		}
		g.mu.Lock()
		if s.status == available {
			s.status = updating
		}
		g.mu.Unlock()
		if g.pause(g.cfg.Update) {
			g.bringUp(s, device, next)
		}
	})
	return map[string]any{"FileShareARN": s.arn}, nil
}

// shown is the status for an error's message.
func (s *share) shown() string {
	if s.changing {
		return updating
	}
	return s.status
}

func (g *Gateway) describeShares(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		FileShareARNList []string `json:"FileShareARNList"`
	}
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, invalid(err.Error())
	}
	if len(input.FileShareARNList) == 0 || len(input.FileShareARNList) > 10 {
		return nil, invalid("1 validation error detected: Value at 'fileShareARNList' failed to satisfy constraint: Member must have length between 1 and 10")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	list := []any{}
	for _, arn := range input.FileShareARNList {
		s, ok := g.shares[arn]
		if !ok {
			return nil, errShareNotFound
		}
		list = append(list, s.info())
	}
	return map[string]any{"NFSFileShareInfoList": list}, nil
}

// info is a share as DescribeNFSFileShares answers it.
func (s *share) info() map[string]any {
	info := map[string]any{
		"FileShareARN": s.arn, "FileShareId": s.id, "FileShareName": s.settings.FileShareName,
		"FileShareStatus": s.status, "GatewayARN": s.gateway, "Path": "/" + s.settings.FileShareName,
		"LocationARN": s.settings.LocationARN, "Role": s.settings.Role, "ClientList": s.settings.ClientList,
		"ReadOnly": bool(s.settings.ReadOnly), "Squash": s.settings.Squash,
		"EncryptionType": s.settings.EncryptionType, "KMSEncrypted": s.settings.EncryptionType != "SseS3",
		"DefaultStorageClass": s.settings.StorageClass, "ObjectACL": "private", "Tags": tagList(s.tags),
		"GuessMIMETypeEnabled": true, "RequesterPays": false,
		"NFSFileShareDefaults": map[string]any{
			"DirectoryMode": "0777", "FileMode": "0666", "GroupId": 65534, "OwnerId": 65534,
		},
	}
	if s.settings.KMSKey != "" {
		info["KMSKey"] = s.settings.KMSKey
	}
	return info
}

func (g *Gateway) listShares(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		page
		GatewayARN string `json:"GatewayARN"`
	}
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, invalid(err.Error())
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if input.GatewayARN != "" && g.gateways[input.GatewayARN] == nil {
		return nil, errGatewayNotFound
	}
	var keys []string
	byKey := map[string]*share{}
	for _, s := range g.shares {
		if (input.GatewayARN == "" || s.gateway == input.GatewayARN) && !time.Now().Before(s.listed) {
			key := fmt.Sprintf("%09d", s.number)
			keys, byKey[key] = append(keys, key), s
		}
	}
	slices.Sort(keys)
	keys, next := input.cut(keys)
	list := []any{}
	for _, key := range keys {
		s := byKey[key]
		list = append(list, map[string]any{
			"FileShareARN": s.arn, "FileShareId": s.id, "FileShareStatus": s.status,
			"FileShareType": "NFS", "GatewayARN": s.gateway,
		})
	}
	output := map[string]any{"FileShareInfoList": list, "Marker": input.Marker}
	if next != "" {
		output["NextMarker"] = next
	}
	return output, nil
}
