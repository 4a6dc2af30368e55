package main

import (
	"context"
	"fmt"
	"net"

	"headroom/internal/demo"
	demopage "headroom/internal/demo/page"
)

// pageAddress is where the page is, unless something has taken that or it was said where: an open tab of an earlier run
// goes on with the next.
const pageAddress = "127.0.0.1:4580"

// servePage serves the page of a deployment until ctx ends, and says where.
func (c demoCommand) servePage(ctx context.Context, d demo.Deployment, p *demo.Printer) (*demopage.Page, error) {
	shown, err := demopage.Of(d, c.Tier)
	if err != nil {
		return nil, fmt.Errorf("make the page: %w", err)
	}
	listener, err := c.listenForPage()
	if err != nil {
		return nil, fmt.Errorf("listen for the page: %w", err)
	}
	go func() {
		if err := shown.Serve(ctx, listener); err != nil {
			p.Line("the page can't be seen any more: " + err.Error())
		}
	}()
	p.Line("see it all at http://" + listener.Addr().String())
	return shown, nil
}

func (c demoCommand) listenForPage() (net.Listener, error) {
	if c.Page != "" {
		return net.Listen("tcp", c.Page)
	}
	listener, err := net.Listen("tcp", pageAddress)
	if err != nil {
		return net.Listen("tcp", "127.0.0.1:0")
	}
	return listener, nil
}
