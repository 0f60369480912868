package realnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
	"k8s.io/client-go/kubernetes"
)

// Connect gives the network namespace of a process a link to the machine, and
// the machine routes to its pods and services.
func Connect(c Config, pid int) error {
	n := c.network()
	for _, args := range [][]string{
		{"link", "add", n.Link(), "type", "veth", "peer", "name", "eth0", "netns", strconv.Itoa(pid)},
		{"addr", "add", n.Host() + "/24", "dev", n.Link()},
		{"link", "set", n.Link(), "up"},
		{"route", "add", n.Pods(), "via", n.Node()},
		{"route", "add", n.Services(), "via", n.Node()},
	} {
		if err := ip(args...); err != nil {
			return fmt.Errorf("linking the node: %w", err)
		}
	}
	return nil
}

// FreeNumber gives a number whose addresses the machine does not use.
func FreeNumber() (int, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return 0, err
	}
	used := map[string]bool{}
	for _, a := range addrs {
		if network, ok := a.(*net.IPNet); ok {
			used[network.IP.String()] = true
		}
	}
	for i := range 250 {
		// From the process number on, so that two starting at once differ.
		number := 1 + (os.Getpid()+i)%250
		if !used[NewNetwork(number).Host()] {
			return number, nil
		}
	}
	return 0, errors.New("finding addresses for a real node: all are in use")
}

// Forward listens in the network namespace of a process, on loopback for the
// registries and the API server and on the node's address for pods that use
// the API server, and connects each to the same port on this machine's
// loopback. It answers DNS queries for the cluster's names there too. It
// returns when the context ends.
func Forward(ctx context.Context, c Config, client kubernetes.Interface, pid int) error {
	inside := []string{
		net.JoinHostPort("127.0.0.1", strconv.Itoa(c.APIPort)),
		net.JoinHostPort(c.network().Node(), strconv.Itoa(c.APIPort)),
	}
	ports := map[int]bool{}
	for _, r := range c.Registries {
		if !ports[r.Port] {
			ports[r.Port] = true
			inside = append(inside, net.JoinHostPort("127.0.0.1", strconv.Itoa(r.Port)))
		}
	}
	listeners, dns, err := listenIn(ctx, pid, inside, "0.0.0.0:53")
	if err != nil {
		return fmt.Errorf("listening inside the node: %w", err)
	}
	go serveNames(ctx, client, dns)
	for _, l := range listeners {
		go serve(l)
	}
	<-ctx.Done()
	for _, l := range listeners {
		_ = l.Close()
	}
	return dns.Close()
}

// listenIn opens listeners, and a UDP socket on the last address, in another
// process's network namespace. A socket stays in the namespace in which it was
// made.
func listenIn(ctx context.Context, pid int, addresses []string, udp string) ([]net.Listener, net.PacketConn, error) {
	target, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return nil, nil, err
	}
	defer target.Close()
	var listeners []net.Listener
	var packets net.PacketConn
	done := make(chan error)
	go func() {
		// Never unlocked: the thread, now elsewhere, ends with the goroutine.
		runtime.LockOSThread()
		done <- func() error {
			if err := unix.Setns(int(target.Fd()), unix.CLONE_NEWNET); err != nil {
				return err
			}
			for _, address := range addresses {
				l, err := listenWhenUp(ctx, address)
				if err != nil {
					return err
				}
				listeners = append(listeners, l)
			}
			packets, err = net.ListenPacket("udp", udp)
			return err
		}()
	}()
	err = <-done
	return listeners, packets, err
}

// listenWhenUp waits for the address to be there.
func listenWhenUp(ctx context.Context, address string) (net.Listener, error) {
	for {
		l, err := net.Listen("tcp", address)
		if err == nil || !errors.Is(err, unix.EADDRNOTAVAIL) {
			return l, err
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

func serve(l net.Listener) {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		go relay(in, net.JoinHostPort("127.0.0.1", port))
	}
}

func relay(in net.Conn, address string) {
	defer in.Close()
	out, err := net.Dial("tcp", address)
	if err != nil {
		return // the client sees its connection end, as with a dead server
	}
	defer out.Close()
	var both sync.WaitGroup
	pump := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		_ = to.(*net.TCPConn).CloseWrite()
	}
	both.Go(func() { pump(out, in) })
	both.Go(func() { pump(in, out) })
	both.Wait()
}
