package hostrepair

import (
	"context"

	"headroom/internal/pool"
)

// nextImage is the image of a machine that is to take the place of one of another image: the newest, unless that is known to be
// older, as when AWS has withdrawn a release. undated says why nobody can tell.
func (h *Handler) nextImage(ctx context.Context, from string) (to, undated string, err error) {
	to, err = h.Images.Newest(ctx)
	if err != nil || to == from {
		return to, "", err
	}
	newest, own, err := h.describe(ctx, to, from)
	if err != nil {
		return "", "", err
	}
	if newest.OlderThan(own) {
		return from, "", nil
	}
	return to, own.Undated(), nil
}

// checkImage is an error where a host's gateway can't go on on a machine of an image. undated says why nobody can tell.
func (h *Handler) checkImage(ctx context.Context, host pool.Host, to string) (undated string, err error) {
	wanted, own, err := h.describe(ctx, to, host.Image)
	if err != nil {
		return "", err
	}
	if why := pool.RefuseImage(wanted, own); why != "" {
		return "", refusal(why)
	}
	return own.Undated(), nil
}

func (h *Handler) describe(ctx context.Context, to, from string) (wanted, own pool.Image, err error) {
	if wanted, err = h.Catalog.Image(ctx, to); err == nil {
		own, err = h.Catalog.Image(ctx, from)
	}
	return wanted, own, err
}
