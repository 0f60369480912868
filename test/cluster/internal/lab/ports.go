package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Ports below the range from which systems take ports for outgoing
// connections, so that nobody gets one between our look and our use.
const firstPort, lastPort = 20000, 32000

// reservations keep other clusters that come up at this moment from choosing
// the same ports: each is a locked file, freed when closed or when we die.
type reservations []*os.File

func (r reservations) release() {
	for _, f := range r {
		_ = f.Close()
	}
}

// reservePorts finds a free port for every name.
func reservePorts(host string, names ...string) (map[string]int, reservations, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("aistor-lab-ports-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	ports := map[string]int{}
	var held reservations
	for _, name := range names {
		port, f, err := reserveOne(host, dir)
		if err != nil {
			held.release()
			return nil, nil, err
		}
		ports[name] = port
		held = append(held, f)
	}
	return ports, held, nil
}

func reserveOne(host, dir string) (int, *os.File, error) {
	for range 200 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		f, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(port)), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return 0, nil, err
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			if l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port))); err == nil {
				_ = l.Close()
				return port, f, nil
			}
		}
		_ = f.Close()
	}
	return 0, nil, errors.New("finding a free port: none in 200 tries")
}
