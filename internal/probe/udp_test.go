package probe_test

import (
	"net"
	"testing"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

func udpCheck(address, payload string) *v1alpha1.HealthCheck {
	return checkOf(v1alpha1.HealthCheckSpec{UDP: &v1alpha1.UDPProbe{Address: v1alpha1.Address(address), Payload: payload}})
}

// datagrams is a UDP socket; what is sent to it comes out of the channel, and is answered if there is an answer.
func datagrams(t *testing.T, answer string) (address string, received <-chan string) {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	all := make(chan string, 100)
	go func() {
		buffer := make([]byte, 2048)
		for {
			n, from, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			all <- string(buffer[:n])
			if answer != "" {
				_, _ = socket.WriteTo([]byte(answer), from)
			}
		}
	}()
	return socket.LocalAddr().String(), all
}

func TestUDPPassesOnAnAnswer(t *testing.T) {
	address, received := datagrams(t, "pong")
	expectPass(t, probed(t, onLoopback(t), udpCheck(address, "ping")), "send udp "+address+": answered")
	if got := <-received; got != "ping" {
		t.Errorf("%q was sent", got)
	}
}

func TestUDPPassesOnSilence(t *testing.T) {
	for _, payload := range []string{"ping", ""} {
		address, received := datagrams(t, "")
		expectPass(t, probedWithin(t, brokenWithin, onLoopback(t), udpCheck(address, payload)),
			"send udp "+address+": no refusal within 5s")
		if got := <-received; got != payload {
			t.Errorf("%q was sent, want %q", got, payload)
		}
	}
}

func TestUDPFailsOnARefusal(t *testing.T) {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := socket.LocalAddr().String()
	_ = socket.Close()
	for _, payload := range []string{"ping", ""} {
		expectFailure(t, probed(t, onLoopback(t), udpCheck(address, payload)),
			"send udp "+address+": connection refused while waiting for the response")
	}
}

// One address that refuses does not speak for the others, in whichever order DNS has them.
func TestUDPTriesEveryAddressOfAName(t *testing.T) {
	address, _ := datagrams(t, "pong")
	_, port := hostAndPort(t, address)
	for _, order := range [][]string{{"127.0.0.2", "127.0.0.1"}, {"127.0.0.1", "127.0.0.2"}} {
		options := onLoopback(t)
		options.Resolver = names{"web.shop": {addrs(order...)}}
		expectPass(t, probed(t, options, udpCheck("web.shop:"+port, "ping")), "send udp web.shop:"+port+": answered (at 127.0.0.1)")
	}
	options := onLoopback(t)
	options.Resolver = names{"web.shop": {addrs("127.0.0.2", "127.0.0.3")}}
	expectFailure(t, probed(t, options, udpCheck("web.shop:"+port, "ping")),
		"send udp web.shop:"+port+": connection refused while waiting for the response")
}

func TestUDPPassesTheGuard(t *testing.T) {
	expectResult(t, probed(t, onLoopback(t), udpCheck("169.254.169.254:53", "")), health.Failed,
		v1alpha1.ReasonAddressDenied,
		"send udp 169.254.169.254:53: 169.254.169.254 is denied: it is a cloud metadata address, "+
			"which only the manager's --probe-allow-cidrs can allow")
}

func TestUDPSendsBytesAndExpectsAReplyWhereTheSpecSaysSo(t *testing.T) {
	address, received := datagrams(t, "pong")
	check := udpCheck(address, "")
	check.Spec.UDP.PayloadBase64, check.Spec.UDP.ExpectReply = "/////1QA", true
	expectPass(t, probed(t, onLoopback(t), check), "send udp "+address+": answered")
	if got := <-received; got != "\xff\xff\xff\xffT\x00" {
		t.Errorf("%q was sent", got)
	}
	silent, _ := datagrams(t, "")
	check.Spec.UDP.Address = v1alpha1.Address(silent)
	expectFailure(t, probedWithin(t, brokenWithin, onLoopback(t), check), "send udp "+silent+": no reply within 5s")
	check.Spec.UDP.PayloadBase64 = "hidden?"
	expectFailure(t, probed(t, onLoopback(t), check), "send udp "+silent+": payloadBase64 is not base64 with its padding")
}
