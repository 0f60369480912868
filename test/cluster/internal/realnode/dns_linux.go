package realnode

import (
	"context"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
)

// names answers for services and the pods behind headless ones. Every other
// name does not exist: the node has no way out.
type names struct {
	services corelisters.ServiceLister
	slices   discoverylisters.EndpointSliceLister
}

// serveNames answers queries from the connection until it is closed.
func serveNames(ctx context.Context, client kubernetes.Interface, conn net.PacketConn) {
	all := informers.NewSharedInformerFactory(client, 0)
	n := names{all.Core().V1().Services().Lister(), all.Discovery().V1().EndpointSlices().Lister()}
	all.Start(ctx.Done())
	all.WaitForCacheSync(ctx.Done())
	buf := make([]byte, 4096)
	for {
		size, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if reply, err := n.answer(buf[:size]); err == nil {
			_, _ = conn.WriteTo(reply, from) // a lost answer is asked again
		}
	}
}

// answer gives the reply to a query.
func (n names) answer(query []byte) ([]byte, error) {
	var p dnsmessage.Parser
	header, err := p.Start(query)
	if err != nil {
		return nil, err
	}
	question, err := p.Question()
	if err != nil {
		return nil, err
	}
	addrs, known := n.lookup(question.Name.String())
	reply := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: header.ID, Response: true, Authoritative: true, RecursionDesired: header.RecursionDesired, RecursionAvailable: true,
		},
		Questions: []dnsmessage.Question{question},
	}
	if !known {
		reply.RCode = dnsmessage.RCodeNameError
	}
	if question.Type == dnsmessage.TypeA {
		for _, a := range addrs {
			reply.Answers = append(reply.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET, TTL: 1},
				Body:   &dnsmessage.AResource{A: a.As4()},
			})
		}
	}
	return reply.Pack()
}

// lookup gives the addresses of service.namespace.svc.DOMAIN and of
// pod.service.namespace.svc.DOMAIN.
func (n names) lookup(name string) ([]netip.Addr, bool) {
	rest, ok := strings.CutSuffix(strings.ToLower(strings.TrimSuffix(name, ".")), ".svc."+Domain)
	if !ok {
		return nil, false
	}
	parts := strings.Split(rest, ".")
	if len(parts) != 2 && len(parts) != 3 {
		return nil, false
	}
	host, parts := strings.Join(parts[:len(parts)-2], ""), parts[len(parts)-2:]
	service, err := n.services.Services(parts[1]).Get(parts[0])
	if err != nil {
		return nil, false
	}
	if host == "" && service.Spec.ClusterIP != corev1.ClusterIPNone {
		return parseAddrs(service.Spec.ClusterIP), true
	}
	addrs := n.endpoints(parts[1], parts[0], host)
	return addrs, host == "" || len(addrs) > 0
}

func (n names) endpoints(namespace, service, host string) []netip.Addr {
	selector := labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: service})
	slices, err := n.slices.EndpointSlices(namespace).List(selector)
	if err != nil {
		return nil
	}
	var out []netip.Addr
	for _, slice := range slices {
		for _, e := range slice.Endpoints {
			ready := e.Conditions.Ready == nil || *e.Conditions.Ready
			if ready && (host == "" || e.Hostname != nil && *e.Hostname == host) {
				out = append(out, parseAddrs(e.Addresses...)...)
			}
		}
	}
	return out
}

func parseAddrs(texts ...string) []netip.Addr {
	var out []netip.Addr
	for _, text := range texts {
		if a, err := netip.ParseAddr(text); err == nil && a.Is4() {
			out = append(out, a)
		}
	}
	return out
}
