// Command browser opens a page in Chromium for the tests of the wallboard. It takes a command a line, as JSON, and answers each
// with a line: {"eval": "document.title"} with the value as JSON, {"screenshot": "page.png"} with true. A value may be a promise.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// command is one line of the input; one of the two is set.
type command struct {
	Eval       string `json:"eval"`
	Screenshot string `json:"screenshot"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		os.Exit(1)
	}
}

func run() error {
	width, height := flag.Int64("width", 1200, "of the window"), flag.Int64("height", 800, "of the window")
	scheme := flag.String("scheme", "light", "light or dark")
	flag.Parse()
	// Chromium asks for nothing but the page.
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true))
	allocated, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancel()
	ctx, end := chromedp.NewContext(allocated)
	defer end()
	media := chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: *scheme}},
		})
		return err
	})
	for _, step := range []chromedp.Action[chromedp.Void]{chromedp.EmulateViewport(*width, *height), media, chromedp.Navigate(flag.Arg(0))} {
		if _, err := chromedp.Run(ctx, step); err != nil {
			return fmt.Errorf("opening %s: %w", flag.Arg(0), err)
		}
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		answer, err := do(ctx, lines.Bytes())
		if err != nil {
			return err
		}
		fmt.Println(string(answer))
	}
	return lines.Err()
}

func do(ctx context.Context, line []byte) ([]byte, error) {
	var c command
	if err := json.Unmarshal(line, &c); err != nil {
		return nil, err
	}
	if c.Screenshot == "" {
		return chromedp.Run(ctx, chromedp.Evaluate[[]byte]("("+c.Eval+")", chromedp.EvalAwaitPromise))
	}
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return nil, err
	}
	return []byte("true"), os.WriteFile(c.Screenshot, png, 0o644)
}
