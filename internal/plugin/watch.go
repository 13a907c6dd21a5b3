package plugin

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/tree"
)

// settle is how long to wait after a change for the ones that follow from it, and retryWatch for a watch that ended.
const (
	settle     = 100 * time.Millisecond
	retryWatch = 2 * time.Second
)

// clearScreen moves the cursor home and erases all below it.
const clearScreen = "\x1b[H\x1b[J"

// repeat answers once, or with --watch whenever the answer has become another.
func (o *options) repeat(ctx context.Context, answer func(*tree.Graph, string, io.Writer) error) error {
	if !o.watch {
		g, namespace, err := o.graph(ctx)
		if err != nil {
			return err
		}
		return answer(g, namespace, o.Out)
	}
	reader, err := o.client()
	if err != nil {
		return err
	}
	changes := watchChecks(ctx, reader)
	var before []byte
	for {
		g, namespace, err := o.graph(ctx)
		if err != nil {
			return err
		}
		now := &bytes.Buffer{}
		if err := answer(g, namespace, now); err != nil {
			return err
		}
		if !bytes.Equal(before, now.Bytes()) {
			o.show(now.Bytes())
		}
		before = now.Bytes()
		if !next(ctx, changes) {
			return nil
		}
	}
}

func (o *options) show(answer []byte) {
	if o.terminal() {
		fmt.Fprint(o.Out, clearScreen)
	}
	_, _ = o.Out.Write(answer)
}

// next waits for a change and what comes with it, or for a second, for ages grow; false at the end.
func next(ctx context.Context, changes <-chan struct{}) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Second):
		return true
	case <-changes:
	}
	for {
		select {
		case <-ctx.Done():
			return false
		case <-changes:
		case <-time.After(settle):
			return true
		}
	}
}

// watchChecks tells of every change of a check. It begins again by itself; what is missed meanwhile, the next answer reads.
func watchChecks(ctx context.Context, reader client.WithWatch) <-chan struct{} {
	changes := make(chan struct{}, 1)
	for _, list := range []client.ObjectList{&v1alpha1.HealthCheckList{}, &v1alpha1.AliasCheckList{}} {
		go func() {
			for ctx.Err() == nil {
				watchOnce(ctx, reader, list, changes)
				select {
				case <-ctx.Done():
				case <-time.After(retryWatch):
				}
			}
		}()
	}
	return changes
}

func watchOnce(ctx context.Context, reader client.WithWatch, list client.ObjectList, changes chan<- struct{}) {
	watch, err := reader.Watch(ctx, list)
	if err != nil {
		return
	}
	defer watch.Stop()
	for range watch.ResultChan() {
		select {
		case changes <- struct{}{}:
		default:
		}
	}
}
