package constraint

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// FileShare is a request about an NFS file share. What it does not name is nil.
type FileShare struct {
	ARN, ClientToken, GatewayARN, LocationARN, Role, FileShareName *string
	EncryptionType, KMSKey, StorageClass, ObjectACL, Squash        *string
	KMSEncrypted                                                   *bool
	Clients                                                        []string // nil: none named
	Tags                                                           []Tag
}

// Tag is a tag of a request.
type Tag struct{ Key, Value *string }

const (
	clientsMax = 100
	tagsMax    = 50
)

var (
	shareRole   = regexp.MustCompile(`^arn:(aws(|-cn|-us-gov|-iso[A-Za-z0-9_-]*|-eusc)):iam::([0-9]+):role/(\S+)$`)
	shareKey    = regexp.MustCompile(`(^arn:(aws(|-cn|-us-gov|-iso[A-Za-z0-9_-]*|-eusc)):kms:([a-zA-Z0-9-]+):([0-9]+):(key|alias)/(\S+)$)|(^alias/(\S+)$)`)
	shareName   = regexp.MustCompile(`[a-zA-Z0-9._-]+`)
	tagKey      = regexp.MustCompile(`^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$`)
	gatewayName = regexp.MustCompile(`^[ -\.0-\[\]-~]*[!-\.0-\[\]-~][ -\.0-\[\]-~]*$`)
)

// Create is what Storage Gateway refuses of a new share by its form. That its role or its bucket is not there
// is none of it: such a share is made, and is unavailable.
func (s FileShare) Create() *Refusal {
	var c Check
	c.Required("ClientToken", s.ClientToken)
	c.Required("GatewayARN", s.GatewayARN)
	c.Required("Role", s.Role)
	c.Required("LocationARN", s.LocationARN)
	s.form(&c)
	if r := c.Refusal(); r != nil {
		return r
	}
	switch {
	case !strings.HasPrefix(*s.LocationARN, "arn:aws:s3:::"):
		return parameter("The specified location ARN is not valid.")
	case s.Clients == nil: // what AWS makes of that is not documented
		return parameter("The client list must have 1 to 100 items.")
	case s.EncryptionType != nil && s.KMSEncrypted != nil && *s.KMSEncrypted != (*s.EncryptionType != "SseS3"):
		return parameter("EncryptionType and KMSEncrypted conflict.")
	case (s.EncryptionType != nil && *s.EncryptionType != "SseS3" || s.KMSEncrypted != nil && *s.KMSEncrypted) && s.KMSKey == nil:
		return parameter("KMSKey must be set for the encryption type.")
	}
	return s.words()
}

// Update is what Storage Gateway refuses of the change of a share by its form.
func (s FileShare) Update() *Refusal {
	var c Check
	c.Required("FileShareARN", s.ARN)
	c.Length("FileShareARN", s.ARN, 50, 500)
	s.form(&c)
	if r := c.Refusal(); r != nil {
		return r
	}
	return s.words()
}

// OnShare is what Storage Gateway refuses, by its form, of a request that names a share and little else.
func OnShare(arn *string) *Refusal {
	var c Check
	c.Required("FileShareARN", arn)
	c.Length("FileShareARN", arn, 50, 500)
	return c.Refusal()
}

// form is the service's model.
func (s FileShare) form(c *Check) {
	c.Length("ClientToken", s.ClientToken, 5, 100)
	c.Length("GatewayARN", s.GatewayARN, 50, 500)
	c.OneOf("EncryptionType", s.EncryptionType, "SseS3", "SseKms", "DsseKms")
	c.Length("KMSKey", s.KMSKey, 7, 2048)
	c.Match("KMSKey", s.KMSKey, shareKey)
	c.Length("Role", s.Role, 20, 2048)
	c.Match("Role", s.Role, shareRole)
	c.Length("LocationARN", s.LocationARN, 16, 1400)
	c.Length("DefaultStorageClass", s.StorageClass, 5, 50)
	c.OneOf("ObjectACL", s.ObjectACL, "private", "public-read", "public-read-write", "authenticated-read", "bucket-owner-read", "bucket-owner-full-control", "aws-exec-read")
	c.Length("Squash", s.Squash, 5, 15)
	c.Length("FileShareName", s.FileShareName, 1, 255)
	if s.Clients != nil {
		c.Count("ClientList", len(s.Clients), 1, clientsMax)
	}
	for _, client := range s.Clients {
		if _, ok := Client(client); !ok {
			c.add("Value '["+strings.Join(s.Clients, ", ")+"]'", "ClientList", "Member must satisfy constraint: [Member must satisfy the regular expression pattern of IPv4 and IPv6 addresses and CIDR blocks]")
			break
		}
	}
	tagForm(c, s.Tags)
}

// words are what the model does not know, and the service refuses itself.
func (s FileShare) words() *Refusal {
	is := func(value *string, words ...string) bool {
		return value == nil || strings.Contains(" "+strings.Join(words, " ")+" ", " "+*value+" ")
	}
	switch {
	case !is(s.Squash, "RootSquash", "NoSquash", "AllSquash"):
		return parameter("The specified squash setting is not valid.")
	case !is(s.StorageClass, "S3_STANDARD", "S3_INTELLIGENT_TIERING", "S3_STANDARD_IA", "S3_ONEZONE_IA"):
		return parameter("The specified default storage class is not valid.")
	case s.FileShareName != nil && shareName.FindString(*s.FileShareName) != *s.FileShareName:
		return parameter("The specified file share name is not valid.")
	}
	return reserved(s.Tags)
}

// Activation is what Storage Gateway refuses of an ActivateGateway by its form.
func Activation(key, name, timezone, region *string, tags []Tag) *Refusal {
	var c Check
	c.Required("ActivationKey", key)
	c.Length("ActivationKey", key, 1, 50)
	c.Required("GatewayName", name)
	c.Length("GatewayName", name, 2, 255)
	c.Match("GatewayName", name, gatewayName)
	c.Required("GatewayTimezone", timezone)
	c.Length("GatewayTimezone", timezone, 3, 10)
	c.Required("GatewayRegion", region)
	c.Length("GatewayRegion", region, 1, 25)
	tagForm(&c, tags)
	if r := c.Refusal(); r != nil {
		return r
	}
	return reserved(tags)
}

// Tags is what Storage Gateway refuses of tags that are to be added.
func Tags(tags []Tag) *Refusal {
	var c Check
	tagForm(&c, tags)
	if r := c.Refusal(); r != nil {
		return r
	}
	return reserved(tags)
}

func tagForm(c *Check, tags []Tag) {
	for i, tag := range tags {
		member := "Tags." + strconv.Itoa(i+1) + ".member."
		c.Required(member+"key", tag.Key)
		c.Length(member+"key", tag.Key, 1, 128)
		c.Match(member+"key", tag.Key, tagKey)
		c.Required(member+"value", tag.Value)
		c.Length(member+"value", tag.Value, 0, 256)
	}
}

// reserved refuses tags of AWS's own, and more than a resource has.
func reserved(tags []Tag) *Refusal {
	for _, tag := range tags {
		if strings.HasPrefix(strings.ToLower(*tag.Key), "aws:") {
			return parameter("aws: prefixed tag key names are not allowed for external use.")
		}
	}
	if len(tags) > tagsMax {
		return parameter("The resource has more tags than the limit of 50.")
	}
	return nil
}

// parameter is how Storage Gateway refuses what its model lets through.
func parameter(message string) *Refusal {
	return &Refusal{Code: "InvalidGatewayRequestException", Inner: "InvalidParameters", Message: message}
}

// Client reads an entry of a client list: an address, or a CIDR block.
func Client(written string) (netip.Prefix, bool) {
	if network, err := netip.ParsePrefix(written); err == nil {
		return network.Masked(), true
	}
	address, err := netip.ParseAddr(written)
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(address, address.BitLen()), true
}
