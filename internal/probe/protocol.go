package probe

import (
	"bytes"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// openingLength is the length of the header of a frame in HTTP/2, and enough to know the others by.
const openingLength = 9

// heard keeps how a server begins. What is said under TLS is not looked at.
func (a *attempt) heard(data []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if missing := openingLength - len(a.locked.opening); missing > 0 && !a.locked.secure {
		a.locked.opening = append(a.locked.opening, data[:min(missing, len(data))]...)
	}
}

// otherProtocol tells a server which speaks another protocol than it was asked in, so far as that is certain.
func (c *httpCall) otherProtocol() string {
	c.attempt.mu.Lock()
	opening := c.attempt.locked.opening
	c.attempt.mu.Unlock()
	h2c := c.spec.Protocol == v1alpha1.ProtocolH2C
	switch {
	case isSettings(opening) && !h2c:
		return "the server speaks HTTP/2 without TLS: set protocol to h2c"
	case bytes.HasPrefix(opening, []byte("HTTP/1.")) && h2c:
		return "the server speaks HTTP/1.1 and not HTTP/2: leave protocol out"
	case isAlert(opening):
		return "the server speaks TLS: begin url with https://"
	}
	return ""
}

// isSettings tells a frame of type SETTINGS for the connection as a whole, with which HTTP/2 begins (RFC 9113).
func isSettings(frame []byte) bool {
	return len(frame) == openingLength && frame[0] == 0 && frame[3] == 4 && bytes.Equal(frame[5:], make([]byte, 4))
}

// isAlert tells an alert of TLS, which a server of TLS answers a plain request with (RFC 8446).
func isAlert(record []byte) bool {
	return len(record) >= 3 && record[0] == 21 && record[1] == 3 && record[2] <= 4
}
