package main

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestTheProcessEndsInTimeWhateverHoldsItUp(t *testing.T) {
	g := NewWithT(t)
	ctx, terminate := context.WithCancel(t.Context())
	codes := make(chan int, 1)
	ended := exitInTime(ctx, 10*time.Millisecond, func(code int) { codes <- code })
	defer ended()
	g.Consistently(codes, 50*time.Millisecond).ShouldNot(Receive(), "nobody has asked it to end")
	terminate()
	g.Eventually(codes).Should(Receive(Equal(exitFailed)))
}

func TestAProcessThatEndsByItselfIsNotEnded(t *testing.T) {
	g := NewWithT(t)
	ctx, terminate := context.WithCancel(t.Context())
	codes := make(chan int, 1)
	ended := exitInTime(ctx, 100*time.Millisecond, func(code int) { codes <- code })
	terminate()
	ended()
	g.Consistently(codes, 300*time.Millisecond).ShouldNot(Receive())
}
