#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Servers, agents and workers inside a job. They use the job's own ports, sockets, memory
# and terminals.

# shellcheck disable=SC2016 # scripts are expanded by inner shells
load ../lib/work

@test "PostgreSQL is started, used by TCP and by a Unix socket, and stopped" {
	chown -R postgres: "$PROJECT"
	ENVIRONMENT+=(PGDATABASE=postgres PGUSER=postgres)
	# shellcheck disable=SC2012 # names of versions
	PATH=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1):$PATH
	ENVIRONMENT+=(PATH="$PATH")
	same_at_work '
		as() { setpriv --reuid=postgres --regid=postgres --clear-groups env HOME="$PWD/home" "$@"; }
		mkdir -p -m 777 /run/postgresql
		as initdb --no-sync -A trust -D data >log
		as pg_ctl -w -D data -l server.log -o "-h 127.0.0.1,::1 -c fsync=off" start >>log || { cat server.log; exit 1; }
		psql -qh 127.0.0.1 -c "CREATE TABLE t AS SELECT generate_series(1, 1000) x"
		psql -Ath ::1 -c "SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET min_parallel_table_scan_size = 0; SELECT sum(x) FROM t"
		as psql -Ath /run/postgresql -c "SELECT count(*) FROM t"
		pg_dump -h 127.0.0.1 -t t | grep -c "^[0-9]"
		as pg_ctl -w -D data -m fast stop | tail -n 1'
}

# Debian's packages have such a folder made for each service that does not run as root.
@test "a service finds its folder in /run, and nothing in there that is the node's" {
	in_lab install -d -o postgres -g postgres -m 2775 /run/service
	in_lab touch /run/service/of-the-node
	# shellcheck disable=SC2012 # one name
	is "$(jobfence run --user postgres -- sh -c 'touch /run/service/own && ls /run/service && stat -c "%U %G %a" /run/service')" \
		$'own\npostgres postgres 2775'
	in_lab rm -r /run/service
}

@test "Podman and Skopeo find the logins of their user, and change them inside only" {
	local login='{"auths":{"registry.test":{"auth":"dXNlcjpzZWNyZXQ="}}}' folder
	local script='skopeo login --get-login registry.test && skopeo logout registry.test && ! skopeo login --get-login registry.test 2>&1'

	in_lab install -d -o nobody -g nogroup -m 700 /run/user/65534/containers /run/user/65534
	in_lab install -d -m 700 /run/user/0/containers /run/containers/0
	for folder in user/0/containers user/65534/containers containers/0; do
		in_lab install -m 600 /dev/stdin "/run/$folder/auth.json" <<<"$login"
	done
	in_lab chown nobody /run/user/65534/containers/auth.json
	like "$(jobfence run --user nobody -- sh -c "$script")" $'user\nRemoved login *not logged into registry.test*'
	# A service of systemd has no XDG_RUNTIME_DIR.
	is "$(in_lab env -u XDG_RUNTIME_DIR "$JOBFENCE" run -- sh -c 'podman login --get-login registry.test; skopeo login --get-login registry.test')" $'user\nuser'
	is "$(in_lab env XDG_RUNTIME_DIR=/run/user/0 "$JOBFENCE" run -- sh -c 'rm -r /run/containers; podman login --get-login registry.test')" user
	is "$(in_lab cat /run/user/65534/containers/auth.json)" "$login"
	in_lab rm -r /run/user/65534 /run/user/0 /run/containers
}

@test "Redis is started, used, and saves in the background" {
	same_at_work '
		touch log && redis-server --port 6379 --unixsocket "$PWD/socket" --daemonize yes --logfile "$PWD/log" --dir "$PWD" --pidfile "$PWD/pid" >out
		grep -qm 1 Ready < <(timeout 20 tail -s 0.02 -n +1 -f log) || { cat log; exit 1; }
		redis-cli set key value && redis-cli -s socket get key && redis-cli -h ::1 ping
		redis-cli bgsave && redis-cli config get maxclients && redis-cli shutdown save 2>&1; ls ./*.rdb'
}

@test "nginx listens on ports 80 and 443, in both families, and answers" {
	mkdir "$PROJECT/root"
	chmod 755 "$PROJECT" "$PROJECT/root"
	echo 'own page' >"$PROJECT/root/index.html"
	cat >"$PROJECT/nginx.conf" <<-END
		pid $WORK/pid;
		error_log $WORK/errors;
		worker_processes 2;
		events {}
		http {
			access_log off;
			server {
				listen 80;
				listen [::]:80;
				listen 443 ssl;
				listen [::]:443 ssl;
				ssl_certificate $LAB/server.pem;
				ssl_certificate_key $LAB/server.pem;
				root $WORK/root;
			}
		}
	END
	same_at_work '
		nginx -c "$PWD/nginx.conf" -e "$PWD/errors" || { cat errors; exit 1; }
		for site in http://127.0.0.1 "http://[::1]" http://localhost https://127.0.0.1 "https://[::1]" http://127.0.0.2; do
			curl -gsSk --noproxy "*" "$site/"
		done
		pid=$(cat pid) && nginx -c "$PWD/nginx.conf" -e "$PWD/errors" -s quit && tail --pid="$pid" -s 0.02 -f /dev/null
		echo stopped # the shell is there until then, and reaps'
}

@test "ssh-agent and gpg-agent are spoken to by their sockets" {
	same_at_work '
		eval "$(ssh-agent -s)" >log && ssh-keygen -q -t ed25519 -N "" -C test -f key && ssh-add -q key && rm key
		ssh-add -l | cut -d" " -f3- && echo text | ssh-keygen -q -Y sign -f key.pub -n file 2>>log | head -n 1
		ssh-agent -k >>log
		export GNUPGHOME="$PWD/gnupg" && mkdir -m 700 gnupg
		gpg --batch -q --passphrase "" --quick-gen-key a@allowed.test ed25519 sign 2>>log || { cat log; exit 1; }
		echo text >text && gpg --batch -q -b text && gpg --batch -q --verify --status-fd 1 text.sig text 2>>log | grep -o "GOODSIG.* a@" | cut -d" " -f1,3
		gpgconf --kill all'
}

@test "Python's multiprocessing shares memory, queues and semaphores" {
	cat >"$PROJECT/work.py" <<-'END'
		import asyncio, concurrent.futures, multiprocessing, os, socket, subprocess, tempfile
		from multiprocessing import shared_memory

		def square(x):
		    return x * x

		def add(memory, lock, queue):
		    block = shared_memory.SharedMemory(memory)
		    with lock:
		        block.buf[0] += 1
		    block.close()
		    queue.put("added")

		async def talk():
		    server = await asyncio.start_server(lambda reader, writer: (writer.write(b"hello"), writer.close()), "localhost", 0)
		    port = server.sockets[0].getsockname()[1]
		    reader, writer = await asyncio.open_connection("localhost", port)
		    return await reader.read()

		if __name__ == "__main__":
		    for method in ("fork", "spawn", "forkserver"):
		        context = multiprocessing.get_context(method)
		        with context.Pool(3) as pool:
		            print(method, pool.map(square, range(5)))
		        block = shared_memory.SharedMemory(create=True, size=16)
		        lock, queue = context.Lock(), context.Queue()
		        workers = [context.Process(target=add, args=(block.name, lock, queue)) for _ in range(3)]
		        for worker in workers:
		            worker.start()
		        print([queue.get() for _ in workers], [worker.join() or worker.exitcode for worker in workers], block.buf[0])
		        block.close()
		        block.unlink()
		    with multiprocessing.Manager() as manager:
		        shared = manager.dict(a=1)
		        print(shared.copy())
		    with concurrent.futures.ProcessPoolExecutor(2) as pool:
		        print(list(pool.map(square, range(3))))
		    print(asyncio.run(talk()), subprocess.run(["kill", "-0", str(os.getpid())]).returncode, os.sched_getaffinity(0) != set())
		    pair = socket.socketpair()
		    socket.send_fds(pair[0], [b"x"], [os.open("/etc/hosts", os.O_RDONLY)])
		    print(len(socket.recv_fds(pair[1], 1, 1)[1]))
	END
	same_at_work '
		/usr/bin/python3 work.py
		id=$(ipcmk -M 4096 | grep -o "[0-9]*$") && ipcs -m -i "$id" | grep -c "bytes=4096" && ipcrm -m "$id"
		touch /dev/shm/own && rm /dev/shm/own'
}

@test "Node's workers, clusters and children talk to each other" {
	cat >"$PROJECT/work.js" <<-'END'
		const { Worker, isMainThread, parentPort, workerData } = require("worker_threads")
		const cluster = require("cluster"), http = require("http"), net = require("net"), { fork } = require("child_process")
		if (!isMainThread) {
			Atomics.add(new Int32Array(workerData), 0, 1)
			parentPort.postMessage("worker")
		} else if (process.argv[2] === "child") {
			process.on("message", (text) => process.send("child " + text, () => process.exit(0)))
		} else if (cluster.isPrimary) {
			const shared = new SharedArrayBuffer(4)
			const worker = new Worker(__filename, { workerData: shared })
			worker.on("message", (text) => console.log(text, new Int32Array(shared)[0]))
			worker.on("exit", () => {
				const child = fork(__filename, ["child"])
				child.on("message", (text) => console.log(text))
				child.send("hello")
				child.on("exit", () => {
					const member = cluster.fork()
					cluster.on("listening", (_, { port }) => http.get({ host: "127.0.0.1", port }, (answer) => {
						answer.on("data", (data) => console.log(String(data)))
						answer.on("end", () => member.kill())
					}))
					const path = process.cwd() + "/socket"
					const server = net.createServer((peer) => peer.end("unix")).listen(path, () =>
						net.connect(path).on("data", (data) => console.log(String(data))).on("end", () => server.close()))
				})
			})
		} else {
			http.createServer((_, answer) => setTimeout(() => answer.end("cluster"), 200)).listen(0, "127.0.0.1")
		}
	END
	same_at_work 'node work.js'
}

@test "tmux and script have terminals of their own" {
	same_at_work '
		tmux -S "$PWD/socket" -f /dev/null new-session -d -x 80 -y 24 "tty >tty; sleep 100 & kill %1; stty size; tmux -S $PWD/socket wait-for -S done; cat"
		timeout 20 tmux -S "$PWD/socket" wait-for done && tmux -S "$PWD/socket" capture-pane -p | grep . && grep -c ^/dev/pts/ tty
		tmux -S "$PWD/socket" split-window "cat" && tmux -S "$PWD/socket" list-panes -F "#{pane_index}" && tmux -S "$PWD/socket" kill-server
		script -qec "tty | cut -c1-9; exit 3" /dev/null || echo $?'
}

@test "signals, limits, priorities and clocks of its own processes can be set" {
	same_at_work '
		sleep 100 & kill -STOP $! && timeout 60 sh -c "until grep -q ^State:.T /proc/$!/status; do sleep 0.02; done"; kill -CONT $!
		renice -n 5 -p $! >log && ps -o ni= -p $! | tr -d " "
		prlimit --pid $! --nofile=100:100 && prlimit --pid $! --nofile --noheadings -o SOFT && taskset -p $! >>log
		kill $!; wait $! || echo $?
		ulimit -n 256 && ulimit -n; nice -n 3 nice; chrt --batch 0 true; ionice -c 3 true
		umask; trap | wc -l; pgrep -c "^no-such-name" || true
		setsid -w sh -c "kill -TERM -\$\$" || echo $?; strace -o trace -f true && grep -c "exited with 0" trace
		cat /proc/self/comm /proc/$$/comm; test -e /proc/$$/root/etc/hosts && readlink /proc/self/cwd | grep -c "$PWD"'
}
