package main

import (
	"context"
	"fmt"
	"time"
)

// patience is how long anything may take that is waited for.
const patience = 10 * time.Minute

// eventually asks again and again until the answer is yes.
func eventually(ctx context.Context, every time.Duration, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if done, err := ask(); done || err != nil {
			return err
		}
		if err := pause(ctx, every); err != nil {
			return fmt.Errorf("waited in vain: %w", err)
		}
	}
}

// pause lets time pass: a measurement lasts as long as it lasts.
func pause(ctx context.Context, length time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(length):
		return nil
	}
}
