// Package taskmetadata is what a task of ECS is told about itself, by an endpoint of its own.
package taskmetadata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"
)

const (
	tries      = 5
	pause      = time.Second
	tryTimeout = 5 * time.Second
	answerMost = 1 << 20 // bytes
)

// errNoAddress means that the task has no IPv4 address, or that it is not told.
var errNoAddress = errors.New("it has no address")

// Client asks one endpoint, of version 4 of the task metadata (ECS_CONTAINER_METADATA_URI_V4).
type Client struct {
	HTTP interface {
		Do(*http.Request) (*http.Response, error)
	}
	Endpoint string
	Sleep    func(context.Context, time.Duration) error
}

// Address is the task's private IPv4 address. The endpoint may not know it in the task's first moments, so it is
// asked some times.
func (c Client) Address(ctx context.Context) (netip.Addr, error) {
	for try := 1; ; try++ {
		address, err := c.address(ctx)
		if err == nil {
			return address, nil
		}
		if try == tries {
			return netip.Addr{}, fmt.Errorf("ask for the task's address: %w", err)
		}
		if slept := c.Sleep(ctx, pause); slept != nil {
			return netip.Addr{}, fmt.Errorf("ask for the task's address: %w", errors.Join(err, slept))
		}
	}
}

func (c Client) address(ctx context.Context) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Endpoint, nil)
	if err != nil {
		return netip.Addr{}, err
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return netip.Addr{}, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return netip.Addr{}, fmt.Errorf("status %d", response.StatusCode)
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, answerMost))
	if err != nil {
		return netip.Addr{}, err
	}
	var container struct {
		Networks []struct{ IPv4Addresses []netip.Addr }
	}
	if err := json.Unmarshal(answer, &container); err != nil {
		return netip.Addr{}, err
	}
	for _, network := range container.Networks {
		for _, address := range network.IPv4Addresses {
			return address, nil
		}
	}
	return netip.Addr{}, errNoAddress
}
