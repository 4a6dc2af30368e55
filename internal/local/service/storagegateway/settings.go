package storagegateway

import (
	"net/netip"
	"strings"

	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine/appliance"
	"headroom/internal/local/weakjson"
)

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
	ObjectACL      string         `json:"ObjectACL"`
	EncryptionType string         `json:"EncryptionType"`
	KMSEncrypted   *weakjson.Bool `json:"KMSEncrypted"`
	KMSKey         string         `json:"KMSKey"`
	StorageClass   string         `json:"DefaultStorageClass"`
	Tags           []weakjson.Tag `json:"Tags"`
}

// change is what a request changes of a share.
type change struct {
	FileShareARN string         `json:"FileShareARN"`
	ClientList   []string       `json:"ClientList"`
	ReadOnly     *weakjson.Bool `json:"ReadOnly"`
	Squash       string         `json:"Squash"`
	ObjectACL    string         `json:"ObjectACL"`
	KMSKey       string         `json:"KMSKey"`
	StorageClass string         `json:"DefaultStorageClass"`
}

// shareForm is a request as its form is checked.
func shareForm(params map[string]any) constraint.FileShare {
	text := func(member string) *string { return constraint.Text(params, member) }
	form := constraint.FileShare{
		ARN: text("FileShareARN"), ClientToken: text("ClientToken"), GatewayARN: text("GatewayARN"), LocationARN: text("LocationARN"),
		Role: text("Role"), FileShareName: text("FileShareName"), EncryptionType: text("EncryptionType"), KMSKey: text("KMSKey"),
		StorageClass: text("DefaultStorageClass"), ObjectACL: text("ObjectACL"), Squash: text("Squash"), Tags: tagForm(params),
	}
	if encrypted, ok := params["KMSEncrypted"].(bool); ok {
		form.KMSEncrypted = &encrypted
	}
	if list, ok := params["ClientList"].([]any); ok {
		form.Clients = []string{}
		for _, client := range list {
			written, _ := client.(string)
			form.Clients = append(form.Clients, written)
		}
	}
	return form
}

// newSettings reads a request for a share, refuses what the API refuses, and fills in what it fills in.
func newSettings(params map[string]any) (settings, error) {
	var s settings
	if err := weakjson.Decode(params, &s); err != nil {
		return s, invalid(err.Error())
	}
	if r := shareForm(params).Create(); r != nil {
		return s, endpoint.Refused(r)
	}
	for _, left := range []struct {
		member *string
		out    string
	}{
		{&s.FileShareName, bucketOf(s).Name},
		{&s.Squash, "RootSquash"},
		{&s.ObjectACL, "private"},
		{&s.StorageClass, "S3_STANDARD"},
		{&s.EncryptionType, encryption(s)},
	} {
		if *left.member == "" {
			*left.member = left.out
		}
	}
	return s, nil
}

// encryption is the type that a request means that names none.
func encryption(s settings) string {
	if s.KMSEncrypted != nil && bool(*s.KMSEncrypted) {
		return "SseKms"
	}
	return "SseS3"
}

// with is a share's settings after a change: what a change does not name stays.
func (s settings) with(c change) settings {
	if c.ClientList != nil {
		s.ClientList = c.ClientList
	}
	if c.ReadOnly != nil {
		s.ReadOnly = *c.ReadOnly
	}
	for _, member := range []struct {
		of *string
		to string
	}{{&s.Squash, c.Squash}, {&s.ObjectACL, c.ObjectACL}, {&s.KMSKey, c.KMSKey}, {&s.StorageClass, c.StorageClass}} {
		if member.to != "" {
			*member.of = member.to
		}
	}
	return s
}

// born is what a repeated request must agree in: the client list may have been updated since.
func (s settings) born() settings {
	s.ClientList, s.Tags, s.KMSEncrypted = nil, nil, nil
	return s
}

// clients are the networks of a client list that was checked when it came in.
func clients(list []string) []netip.Prefix {
	var networks []netip.Prefix
	for _, written := range list {
		if network, ok := constraint.Client(written); ok {
			networks = append(networks, network)
		}
	}
	return networks
}

// bucketOf tells where a share's files go.
func bucketOf(s settings) appliance.Bucket {
	name, prefix, _ := strings.Cut(strings.TrimPrefix(s.LocationARN, "arn:aws:s3:::"), "/")
	return appliance.Bucket{Name: name, Prefix: prefix, RoleARN: s.Role, KeyARN: s.KMSKey}
}

// exported is the share as its appliance wants it.
func exported(id string, s settings) appliance.Share {
	return appliance.Share{
		ID: id, Name: s.FileShareName, Bucket: bucketOf(s), Clients: clients(s.ClientList), ReadOnly: bool(s.ReadOnly),
	}
}
