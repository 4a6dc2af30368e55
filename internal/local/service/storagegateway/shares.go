package storagegateway

import (
	"context"
	"fmt"
	"reflect"
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
	served           bool // its clients may have written to it
	settings         settings
	tags             map[string]string
	listed           time.Time // from when on it is listed
}

func (g *Gateway) createShare(_ context.Context, call endpoint.Call) (any, error) {
	input, err := newSettings(call.Params)
	if err != nil {
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
		if !s.served && err == nil { // deleted while it was made
			_ = device.Unexport(s.id) // nobody has written to it
		}
		return
	}
	if err != nil {
		g.cfg.Log.Error("file share can't be served", "share", s.arn, "error", err)
		s.status = unavailable
		return
	}
	s.status, s.settings, s.served = available, now, true
}

func (g *Gateway) updateShare(_ context.Context, call endpoint.Call) (any, error) {
	var input change
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, invalid(err.Error())
	}
	if r := shareForm(call.Params).Update(); r != nil {
		return nil, endpoint.Refused(r)
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
	// One that is unavailable may be changed: that is how it comes to be served.
	if s.changing || s.status != available && s.status != unavailable {
		return nil, s.refusal()
	}
	next := s.settings.with(input)
	s.changing = true
	g.work.Go(func() {
		// For a moment the old state is what is told: who asks now must not take it for the new one.
		if !g.pause(g.cfg.Lag) {
			return
		}
		g.mu.Lock()
		if s.status == available || s.status == unavailable {
			s.status = updating
		}
		g.mu.Unlock()
		if g.pause(g.cfg.Update) {
			g.bringUp(s, device, next)
		}
	})
	return map[string]any{"FileShareARN": s.arn}, nil
}

// refusal is what a share answers that is asked for what it can't be in its state.
func (s *share) refusal() error {
	return refusal("InvalidParameters", fmt.Sprintf("The file share is %s.", strings.ToLower(s.shown())))
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
		"DefaultStorageClass": s.settings.StorageClass, "ObjectACL": s.settings.ObjectACL, "Tags": tagList(s.tags),
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
	output := map[string]any{"FileShareInfoList": list}
	if input.Marker != "" {
		output["Marker"] = input.Marker
	}
	if next != "" {
		output["NextMarker"] = next
	}
	return output, nil
}
