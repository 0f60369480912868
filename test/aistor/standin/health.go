package standin

// PoolHealth is what one pool's pods say about its drives.
type PoolHealth struct {
	// Servers and Drives (a server) are wished; Ready counts Ready pods.
	Servers, Drives, Ready int
}

// WriteQuorum returns how many drives of an erasure set must be online to
// write: the set's size without its default parity, one more where these are equal.
func (p PoolHealth) WriteQuorum() int {
	size := p.setSize()
	parity := parity(size)
	if size == 2*parity {
		return size/2 + 1
	}
	return size - parity
}

// Writable reports whether every erasure set still has its write quorum. Sets
// are spread evenly over the servers.
func (p PoolHealth) Writable() bool {
	if p.Servers == 0 {
		return false
	}
	size, lost := p.setSize(), p.Servers-min(p.Ready, p.Servers)
	offline := (size*lost + p.Servers - 1) / p.Servers
	return size-offline >= p.WriteQuorum()
}

// setSize returns the largest set of at most 16 drives that divides the pool.
func (p PoolHealth) setSize() int {
	total := p.Servers * p.Drives
	for size := min(total, 16); size > 1; size-- {
		if total%size == 0 {
			return size
		}
	}
	return max(total, 1)
}

// parity is the server's default for a set of that size.
func parity(size int) int {
	switch {
	case size <= 1:
		return 0
	case size <= 3:
		return 1
	case size <= 5:
		return 2
	case size <= 7:
		return 3
	}
	return 4
}

// Health sums up the pools: green with all drives online, yellow with some
// offline, red where a pool cannot be written to.
func Health(pools []PoolHealth) (status, message string) {
	status = "green"
	for _, p := range pools {
		if !p.Writable() {
			return "red", "write quorum is lost"
		}
		if p.Ready < p.Servers {
			status, message = "yellow", "some drives are offline"
		}
	}
	return status, message
}
