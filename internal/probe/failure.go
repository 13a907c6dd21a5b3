package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// failed is the result for an error, in words that are the same each time the same thing happens.
func (a *attempt) failed(err error) Result {
	if denied, ok := errors.AsType[*DeniedError](err); ok {
		return failedFor(v1alpha1.ReasonAddressDenied, a.says(a.denial(denied)))
	}
	if unread, ok := errors.AsType[*ReadError](err); ok {
		return Result{Unread: &ReadError{What: a.says(unread.What), Err: unread.Err}}
	}
	if refused, ok := errors.AsType[*refusedError](err); ok {
		return failedFor(refused.reason, a.says(refused.message))
	}
	if secret, ok := errors.AsType[*referenceError](err); ok {
		return failedFor(secret.reason, a.says(secret.message))
	}
	_, p := a.now()
	if p == connecting && timedOut(err) {
		err = mostTelling(append(a.unreached(), context.DeadlineExceeded))
	}
	return failed(a.says(a.words(err, p)))
}

// denial names an address only where the check itself does.
func (a *attempt) denial(denied *DeniedError) string {
	if a.names(denied.Addr.String()) {
		return denied.Error()
	}
	return denied.tell("the address of the name")
}

// words describes an error in the words of this file only. Texts of other packages may name ports of this side,
// DNS servers, times of day, or a piece of the response; none may reach a status.
func (a *attempt) words(err error, p phase) string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return a.distinct(joined.Unwrap(), p)
	}
	// A lookup has timeouts of its own, which are not the limit; where it was the limit, the dialer says so.
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return a.dnsWords(dns)
	}
	if timedOut(err) {
		return a.timeoutWords(p)
	}
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	if plain, ok := errors.AsType[plainError](err); ok {
		return string(plain)
	}
	if words, ok := certificateWords(err); ok { // see certificate.go
		return words
	}
	return a.transportWords(err, p)
}

// timeoutWords tell the limit. How much of it an address had that shares it depends on the order of DNS, and is
// not told.
func (a *attempt) timeoutWords(p phase) string {
	if p == connecting && a.addresses() > 1 {
		return fmt.Sprintf("timed out %s, with %s for all addresses of the name", p, brief(a.limit))
	}
	return fmt.Sprintf("timed out after %s %s", brief(a.limit), p)
}

// clientRefused is said of a server that hangs up on a client whose certificate it asked for.
const clientRefused = "the server closed the connection after it asked for a client certificate"

const notHTTP = "the answer is not a valid HTTP response"

// hangUps are the errors of a connection that the other side ended.
var hangUps = []error{
	io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE,
}

// hungUp reports whether the server ended the connection, in whichever of the many ways this side came to see it: a close
// and a reset, at a read and at a write, race each other. Those of net/http's HTTP/2 have no type.
func hungUp(err error) bool {
	_, isAlert := alertOf(err)
	return isAlert || strings.HasPrefix(err.Error(), "http2: client conn") ||
		slices.ContainsFunc(hangUps, func(end error) bool { return errors.Is(err, end) })
}

// isReset reports whether the other side has reset the connection.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// alertOf is the text of an alert of the other side, one of a list in crypto/tls.
func alertOf(err error) (text string, is bool) {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return op.Err.Error(), true
	}
	return "", false
}

// plainError is an error whose text is made for a message as it stands.
type plainError string

func (e plainError) Error() string { return string(e) }

// distinct tells the errors of several addresses of one name. Their order is that of DNS, which is random.
func (a *attempt) distinct(errs []error, p phase) string {
	var all []string
	for _, err := range errs {
		all = append(all, a.words(err, p))
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), "; ")
}

func timedOut(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// dnsWords name what was looked up for a host without a dot.
func (a *attempt) dnsWords(err *net.DNSError) string {
	service, isService := strings.CutSuffix(err.Name, "."+a.namespace+serviceDomain)
	switch {
	case err.IsNotFound && isService && !strings.Contains(service, ".") && hostPattern.MatchString(service) && !a.names(err.Name):
		return "no such host: " + service + "." + a.namespace
	case err.IsNotFound:
		return "no such host"
	}
	return "the name could not be resolved: the DNS server did not answer, or answered with an error"
}

// transportWords tell what became of a connection by what can be told for certain: one sentence for all that one
// fault may look like, since a failing check is to write its status once.
func (a *attempt) transportWords(err error, p phase) string {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return "the server does not speak TLS"
	}
	if words, ok := a.peerWords(err, p); ok {
		return words
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return withPhase(errno.Error(), p)
	}
	return untypedWords(err, p)
}

// peerWords tell what the other side did to the connection, if it did something.
func (a *attempt) peerWords(err error, p phase) (string, bool) {
	alert, isAlert := alertOf(err)
	switch {
	case (p == handshaking || p == awaiting) && a.certificateAsked.Load() && hungUp(err):
		return clientRefused, true
	case p == handshaking && isAlert:
		return "the server refused the TLS handshake: " + alert, true
	case (p == awaiting || p == reading) && a.http2.Load():
		return "the server broke HTTP/2 off " + string(p), true
	case p != connecting && hungUp(err):
		return "the server closed the connection " + string(p), true
	}
	return "", false
}

// untypedWords tells what has no type of its own, by the phase in which it happened.
func untypedWords(err error, p phase) string {
	switch p {
	case handshaking:
		return handshakeWords(err)
	case awaiting:
		return notHTTP
	case reading:
		return "the body of the response is broken"
	default:
		return withPhase("failed", p)
	}
}

// withPhase adds the phase to what went wrong, except where it goes without saying.
func withPhase(what string, p phase) string {
	if p == connecting && what != "failed" {
		return what
	}
	return what + " " + string(p)
}

// brief is a duration as one would write it: 1m and not 1m0s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
