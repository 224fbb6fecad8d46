// SPDX-License-Identifier: BSD-2-Clause

// Package jobfence keeps jobs from submitting jobs: wrap the handler of the submission endpoint.
//
//	http.ListenAndServe(":80", jobfence.Guard(handler))
package jobfence

import "net/http"

// Header is what the fence adds to each request of a job, with the job's name.
const Header = "X-Jobfence-Job-ID"

// Guard answers 403 to requests of jobs that do more than read, and passes on all others.
func Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header.Values(Header)) > 0 && !reads(r.Method) {
			http.Error(w, "Jobs may not submit jobs.", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func reads(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
