package standin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"
)

// ServerHandler answers the health addresses of a MinIO server that is well.
func ServerHandler(release string) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/minio/health/live", "/minio/health/ready", "/minio/health/cluster", "/minio/health/cluster/read"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Server", "MinIO")
			w.Header().Set("X-Minio-Version", release)
			w.WriteHeader(http.StatusOK)
		})
	}
	return mux
}

// serve listens until the context ends; that is not an error. A nil pair means
// plain http.
func serve(ctx context.Context, address string, handler http.Handler, pair *tls.Certificate) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listening on %q: %w", address, err)
	}
	if pair != nil {
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{*pair}, NextProtos: []string{"http/1.1"}})
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving on %q: %w", address, err)
	}
	return nil
}

// runServer plays minio server. It serves TLS where it is told of certificates.
func runServer(ctx context.Context, p Process) error {
	var pair *tls.Certificate
	if slices.Contains(p.Args, "--certs-dir") {
		_, made, err := certificates("minio", p.Now())
		if err != nil {
			return err
		}
		pair = &made
	}
	return serve(ctx, ":9000", ServerHandler(p.Getenv("AISTOR_RELEASE")), pair)
}
