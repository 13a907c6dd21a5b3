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

const (
	// settle is how long to wait after a change for the ones that follow from it.
	settle = 100 * time.Millisecond
	// grow is how often ages are drawn anew on a terminal.
	grow = time.Second
	// reread is how often all is read again although no check has changed: pods are not watched.
	reread = 10 * time.Second
	// retryWatch is for a watch that ended.
	retryWatch = 2 * time.Second
)

// clearScreen moves the cursor home and erases all below it.
const clearScreen = "\x1b[H\x1b[J"

// answer writes what a command says of a graph.
type answer func(g *tree.Graph, namespace string, out io.Writer) error

// repeat answers once, or with --watch whenever the answer has become another.
func (o *options) repeat(ctx context.Context, say answer) error {
	if o.watch {
		return o.follow(ctx, say)
	}
	g, namespace, err := o.graph(ctx)
	if err != nil {
		return err
	}
	return say(g, namespace, o.Out)
}

func (o *options) follow(ctx context.Context, say answer) error {
	reader, err := o.client()
	if err != nil {
		return err
	}
	changes := watchChecks(ctx, reader)
	shown := view{options: o, began: o.now()}
	for {
		g, namespace, err := o.graph(ctx)
		if err != nil {
			return err
		}
		for until := g.At.Add(reread); g.At.Before(until); g.At = o.now() {
			if err := shown.update(g, namespace, say); err != nil {
				return err
			}
			changed, ended := next(ctx, changes, grow)
			if ended {
				return nil
			}
			if changed {
				break
			}
		}
	}
}

// view is what --watch has shown last.
type view struct {
	*options
	began  time.Time
	before []byte
}

// update shows an answer that is not that of before. Ages alone make it another one on a terminal only, where it stays in place.
func (v *view) update(g *tree.Graph, namespace string, say answer) error {
	now, out, same := g.At, &bytes.Buffer{}, &bytes.Buffer{}
	if err := say(g, namespace, out); err != nil {
		return err
	}
	if !v.terminal() {
		g.At = v.began
		defer func() { g.At = now }()
		if err := say(g, namespace, same); err != nil {
			return err
		}
	} else {
		same = out
	}
	if !bytes.Equal(v.before, same.Bytes()) {
		v.show(out.Bytes())
	}
	v.before = bytes.Clone(same.Bytes())
	return nil
}

func (o *options) show(answer []byte) {
	if o.terminal() {
		fmt.Fprint(o.Out, clearScreen)
	}
	_, _ = o.Out.Write(answer)
}

// next waits for a change and what comes with it, or for a time at most.
func next(ctx context.Context, changes <-chan struct{}, atMost time.Duration) (changed, ended bool) {
	select {
	case <-ctx.Done():
		return false, true
	case <-time.After(atMost):
		return false, false
	case <-changes:
	}
	for {
		select {
		case <-ctx.Done():
			return true, true
		case <-changes:
		case <-time.After(settle):
			return true, false
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
