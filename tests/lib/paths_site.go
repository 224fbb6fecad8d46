// SPDX-License-Identifier: BSD-2-Clause

// A web server on the listening socket that is descriptor 3. Says in fields of its answers which request came, which
// path Go finds in its target, and which of its patterns ServeMux chose by that.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
)

func main() {
	mux := http.NewServeMux()
	nothing := func(http.ResponseWriter, *http.Request) {}
	for _, pattern := range []string{"/", "/open", "/open/", "/closed", "/closed/"} {
		mux.HandleFunc(pattern, nothing)
	}
	tell := func(writer http.ResponseWriter, request *http.Request) {
		_, pattern := mux.Handler(request)
		place := strings.Trim(pattern, "/")
		if place == "" {
			place = "other"
		}
		fields := writer.Header()
		fields.Set("X-Method", "["+request.Method+"]")
		fields.Set("X-Target", "["+request.RequestURI+"]")
		fields.Set("X-Path", "["+request.URL.Path+"]")
		fields.Set("X-Place", "["+place+"]")
		mux.ServeHTTP(writer, request)
	}
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		panic(err)
	}
	fmt.Println("ready")
	panic(http.Serve(listener, http.HandlerFunc(tell)))
}
