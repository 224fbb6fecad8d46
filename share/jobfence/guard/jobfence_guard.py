# SPDX-License-Identifier: BSD-2-Clause
"""
Keeps jobs from submitting jobs: wrap the application of the submission endpoint.

	application = jobfence_guard.WSGI(application)  # or app.wsgi_app, of Flask
	application = jobfence_guard.ASGI(application)  # or app.add_middleware(ASGI)
"""

HEADER = "X-Jobfence-Job-ID"
READS = ("GET", "HEAD", "OPTIONS")
BODY = b"Jobs may not submit jobs.\n"


class WSGI:
    """Answers 403 to requests of jobs that do more than read, and passes on all others (PEP 3333)."""

    def __init__(self, application, header=HEADER):
        self.application = application
        self.variable = "HTTP_" + header.upper().replace("-", "_")

    def __call__(self, environ, start_response):
        if self.variable in environ and environ["REQUEST_METHOD"] not in READS:
            start_response("403 Forbidden", [("Content-Type", "text/plain"),
                                             ("Content-Length", str(len(BODY)))])
            return [BODY]
        return self.application(environ, start_response)


class ASGI:
    """The same for ASGI 3. A WebSocket is more than reading: a job gets none."""

    def __init__(self, app, header=HEADER):
        self.app = app
        self.header = header.lower().encode()

    def rejects(self, scope):
        bears = any(name.lower() == self.header for name, _ in scope.get("headers", ()))
        return bears and scope.get("method") not in READS

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and self.rejects(scope):
            await send({"type": "http.response.start", "status": 403,
                        "headers": [(b"content-type", b"text/plain"),
                                    (b"content-length", str(len(BODY)).encode())]})
            await send({"type": "http.response.body", "body": BODY})
        elif scope["type"] == "websocket" and self.rejects(scope):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self.app(scope, receive, send)
