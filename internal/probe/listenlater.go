package probe

import (
	"net"
	"sync"
)

// listensLater is a connection on which nothing is heard before something has been said. A server may answer before it
// has been asked: net/http would take that for an answer or for a breach of the protocol, whichever comes first.
type listensLater struct {
	net.Conn
	heard    func([]byte)
	said     chan struct{}
	sayFirst sync.Once
}

// listenLater tells what is heard as it comes.
func listenLater(conn net.Conn, heard func([]byte)) net.Conn {
	return &listensLater{Conn: conn, heard: heard, said: make(chan struct{})}
}

// Read implements net.Conn.
func (c *listensLater) Read(b []byte) (int, error) {
	<-c.said
	n, err := c.Conn.Read(b)
	c.heard(b[:n])
	return n, err
}

// Write implements net.Conn.
func (c *listensLater) Write(b []byte) (int, error) {
	defer c.listen()
	return c.Conn.Write(b)
}

// Close implements net.Conn, and ends a Read that waits.
func (c *listensLater) Close() error {
	defer c.listen()
	return c.Conn.Close()
}

func (c *listensLater) listen() { c.sayFirst.Do(func() { close(c.said) }) }
