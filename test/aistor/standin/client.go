package standin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Client speaks to one API server. It may be used from many goroutines.
type Client struct {
	server string
	token  func() (string, error)
	as     string
	http   *http.Client
}

// As returns a client that does everything in the name of that user. It lets a
// process with an administrator's kubeconfig have only the rights of the pod it
// plays, so that missing roles hurt it as they hurt the real one.
func (c *Client) As(user string) *Client {
	other := *c
	other.as = user
	return &other
}

// StatusError is an answer of the API server that is not a success.
type StatusError struct {
	Code            int
	Reason, Message string
}

// Error returns the server's message and the HTTP status.
func (e *StatusError) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

// hasCode reports whether err is an answer with that HTTP status.
func hasCode(err error, code int) bool {
	var status *StatusError
	return errors.As(err, &status) && status.Code == code
}

// Path returns the address of a collection or, with a name, of an object. An
// empty namespace means cluster scope, or all namespaces of a collection.
func Path(version, namespace, resource string, name ...string) string {
	parts := []string{"/apis", version}
	if !strings.Contains(version, "/") {
		parts[0] = "/api"
	}
	if namespace != "" {
		parts = append(parts, "namespaces", namespace)
	}
	return strings.Join(append(append(parts, resource), name...), "/")
}

// Get returns the object, or an error with code 404.
func (c *Client) Get(ctx context.Context, path string) (Object, error) {
	var out Object
	return out, c.do(ctx, http.MethodGet, path, "", nil, &out)
}

// List returns a collection's objects. Selectors are query parameters such as
// labelSelector, in pairs.
func (c *Client) List(ctx context.Context, path string, selectors ...string) ([]Object, error) {
	query := url.Values{}
	for i := 0; i+1 < len(selectors); i += 2 {
		query.Set(selectors[i], selectors[i+1])
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	var out Object
	if err := c.do(ctx, http.MethodGet, path, "", nil, &out); err != nil {
		return nil, err
	}
	return out.List("items"), nil
}

// Create posts the object to the collection.
func (c *Client) Create(ctx context.Context, collection string, o Object) error {
	return c.do(ctx, http.MethodPost, collection, "application/json", o, nil)
}

// Update puts the object, whose resourceVersion must be the current one.
func (c *Client) Update(ctx context.Context, path string, o Object) error {
	return c.do(ctx, http.MethodPut, path, "application/json", o, nil)
}

// Patch merges the given part into the object.
func (c *Client) Patch(ctx context.Context, path string, part Object) error {
	return c.do(ctx, http.MethodPatch, path, "application/merge-patch+json", part, nil)
}

// Delete removes the object. That it is gone already is not an error.
func (c *Client) Delete(ctx context.Context, path string) error {
	err := c.do(ctx, http.MethodDelete, path, "", nil, nil)
	if hasCode(err, http.StatusNotFound) {
		return nil
	}
	return err
}

func (c *Client) do(ctx context.Context, method, path, contentType string, in Object, out *Object) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.server+path, body)
	if err != nil {
		return err
	}
	if err := c.authorize(request); err != nil {
		return err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	request.Header.Set("Accept", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %w", method, path, statusError(response.StatusCode, text))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

func (c *Client) authorize(request *http.Request) error {
	token, err := c.token()
	if err != nil {
		return fmt.Errorf("reading token: %w", err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if c.as != "" {
		request.Header.Set("Impersonate-User", c.as)
	}
	return nil
}

func statusError(code int, text []byte) error {
	var status Object
	if json.Unmarshal(text, &status) != nil {
		return &StatusError{Code: code, Message: strings.TrimSpace(string(text))}
	}
	return &StatusError{Code: code, Reason: status.Text("reason"), Message: status.Text("message")}
}
