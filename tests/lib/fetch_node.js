// SPDX-License-Identifier: BSD-2-Clause
// Fetches a URL by Node's fetch.
fetch(process.argv[2]).then(async (answer) => {
	process.stdout.write(await answer.text())
	process.exitCode = answer.ok ? 0 : 1
})
