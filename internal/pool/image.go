package pool

import (
	"fmt"
	"regexp"
	"sync"
	"time"
)

// imageID is compiled when it is first needed: a function that starts waits for it otherwise.
var imageID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^ami-[0-9a-f]{8,17}$`) })

// IsImageID says whether a text is what EC2 calls an image.
func IsImageID(text string) bool { return imageID().MatchString(text) }

// gatewayType is what gateways may run on: they need xlarge or more.
var gatewayType = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9-]{2,20}\.(xlarge|[0-9]{1,2}xlarge|metal)$`) })

// IsGatewayType says whether a text is a type of machine that a gateway may run on.
func IsGatewayType(text string) bool { return gatewayType().MatchString(text) }

// Image is what EC2 says of an image that gateways' machines are made from.
type Image struct {
	ID, Name string
	Made     time.Time // zero: EC2 knows no such image, or does not know it any more
}

// String names the image and its date.
func (i Image) String() string {
	if i.Made.IsZero() {
		return i.ID
	}
	return fmt.Sprintf("%s (%s, of %s)", i.ID, i.Name, i.Made.UTC().Format(time.DateOnly))
}

// OlderThan reports whether the image is known to be older than another one. An appliance takes over no gateway that has run on
// a newer generation, and of which generation an image is only its date tells beforehand.
func (i Image) OlderThan(other Image) bool {
	return i.ID != other.ID && !i.Made.IsZero() && i.Made.Before(other.Made)
}

// RefuseImage says why a gateway may not be moved to a machine of an image; from is the one that it runs from. Empty: nothing
// that is known is against it.
func RefuseImage(to, from Image) string {
	switch {
	case to.Made.IsZero():
		return fmt.Sprintf("EC2 knows no image %s", to.ID)
	case to.OlderThan(from):
		return fmt.Sprintf("image %s is older than %s, which the gateway runs from, and no older appliance takes a gateway over", to, from)
	}
	return ""
}

// Undated says that nobody can tell whether another image is older than one that EC2 does not know any more; empty: that can be told.
func (i Image) Undated() string {
	if !i.Made.IsZero() {
		return ""
	}
	if i.ID == "" {
		return "the image that the gateway runs from is not on record, so whether another one is older nobody can say"
	}
	return fmt.Sprintf("EC2 does not know image %s any more, which the gateway runs from, so whether another one is older nobody can say", i.ID)
}
