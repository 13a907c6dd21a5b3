// Command browser opens a page in Chromium for the tests of the wallboard. It takes a command a line, as JSON, and answers each
// with a line: {"eval": "document.title"} with the value as JSON (a value may be a promise), {"screenshot": "page.png"} and
// {"key": "Tab"} with true, {"heard": true} with what a screen reader is given.
package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// command is one line of the input; one of them is set.
type command struct {
	Eval       string `json:"eval"`
	Screenshot string `json:"screenshot"`
	Key        string `json:"key"`
	Heard      bool   `json:"heard"`
}

// keys are those that have names; any other key is the letter that it writes.
var keys = map[string]string{
	"Tab": kb.Tab, "Enter": kb.Enter, "Escape": kb.Escape, "Home": kb.Home, "End": kb.End,
	"ArrowUp": kb.ArrowUp, "ArrowDown": kb.ArrowDown, "ArrowLeft": kb.ArrowLeft, "ArrowRight": kb.ArrowRight,
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
	switch {
	case c.Screenshot != "":
		png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err != nil {
			return nil, err
		}
		return []byte("true"), os.WriteFile(c.Screenshot, png, 0o644)
	case c.Key != "":
		_, err := chromedp.Run(ctx, chromedp.KeyEvent(cmp.Or(keys[c.Key], c.Key)))
		return []byte("true"), err
	case c.Heard:
		return heard(ctx)
	default:
		return chromedp.Run(ctx, chromedp.Evaluate[[]byte]("("+c.Eval+")", chromedp.EvalAwaitPromise))
	}
}

// node is what a screen reader is given of one element.
type node struct {
	Role string `json:"role"`
	Name string `json:"name"`
	// Properties are such as level, expanded, focused and live.
	Properties map[string]json.RawMessage `json:"properties"`
}

// heard is the accessibility tree of the page, level by level, without what is not in it.
func heard(ctx context.Context) ([]byte, error) {
	result, err := chromedp.Run(ctx, func(ctx context.Context, t *chromedp.Target) (accessibility.GetFullAXTreeResult, error) {
		return cdp.Call(ctx, t, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	})
	if err != nil {
		return nil, err
	}
	nodes := []node{}
	for _, found := range result.Nodes {
		if found.Ignored || found.Role == nil {
			continue
		}
		n := node{Role: text(found.Role), Name: text(found.Name), Properties: map[string]json.RawMessage{}}
		for _, property := range found.Properties {
			n.Properties[string(property.Name)] = json.RawMessage(property.Value.Value)
		}
		nodes = append(nodes, n)
	}
	return json.Marshal(nodes)
}

// text is a value that is a string; it is empty where there is none.
func text(value *accessibility.Value) string {
	s := ""
	if value != nil {
		_ = json.Unmarshal(value.Value, &s)
	}
	return s
}
