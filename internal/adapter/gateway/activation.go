package gateway

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"headroom/internal/pool"
)

const (
	// keyTimeout is the deadline of one request for an activation key.
	keyTimeout = 10 * time.Second
	// keyBodyMax bounds what is read of an answer.
	keyBodyMax = 4 << 10
)

// keyPattern is what an activation key looks like: ActivateGateway takes 1 to 50 characters.
var keyPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9-]{10,50}$`) })

// Appliances asks the machines of gateways, on the page that they have while they are no gateway yet.
type Appliances struct {
	Region   string // in which the gateway is to be activated
	Port     int    // 80 on AWS
	Endpoint string // DNS name of Storage Gateway's VPC endpoint; empty: the gateway uses the public one
}

// Key asks the appliance at address for a key, which is good for 30 minutes. The appliance has it
// in the target of a redirect, which must not be followed, or in the body. pool.ErrBooting while it
// refuses connections, does not answer in time, or answers as its web server does before what is
// behind it is up: with a status of 500 or more, or with a page that holds no key.
func (a *Appliances) Key(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, keyTimeout)
	defer cancel()
	query := url.Values{"activationRegion": {a.Region}}
	if a.Endpoint != "" {
		query.Set("vpcEndpoint", a.Endpoint)
	}
	answer, err := a.get(ctx, address, "/", query)
	if err != nil {
		return "", fmt.Errorf("ask %s for its activation key: %w: %w", address, pool.ErrBooting, err)
	}
	defer answer.Body.Close()
	return keyOf(answer, address)
}

// get asks for a page of an appliance, without following redirects.
func (a *Appliances) get(ctx context.Context, address, path string, query url.Values) (*http.Response, error) {
	target := url.URL{Scheme: "http", Host: net.JoinHostPort(address, strconv.Itoa(a.Port)), Path: path, RawQuery: query.Encode()}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client.Do(request)
}

func keyOf(answer *http.Response, address string) (string, error) {
	var key string
	switch {
	case answer.StatusCode >= 500:
		return "", fmt.Errorf("ask %s for its activation key: %w: status %d", address, pool.ErrBooting, answer.StatusCode)
	case answer.StatusCode >= 300 && answer.StatusCode < 400:
		location, err := answer.Location()
		if err != nil {
			return "", fmt.Errorf("ask %s for its activation key: status %d: %w", address, answer.StatusCode, err)
		}
		key = location.Query().Get("activationKey")
	case answer.StatusCode == http.StatusOK:
		body, err := io.ReadAll(io.LimitReader(answer.Body, keyBodyMax))
		if err != nil {
			return "", fmt.Errorf("ask %s for its activation key: %w: %w", address, pool.ErrBooting, err)
		}
		if key = strings.TrimSpace(string(body)); !keyPattern().MatchString(key) {
			return "", fmt.Errorf("ask %s for its activation key: %w: status 200 without a key", address, pool.ErrBooting)
		}
	default:
		return "", fmt.Errorf("ask %s for its activation key: status %d", address, answer.StatusCode)
	}
	if !keyPattern().MatchString(key) {
		return "", fmt.Errorf("ask %s for its activation key: status %d without a key", address, answer.StatusCode)
	}
	return key, nil
}
