// SPDX-License-Identifier: BSD-2-Clause
// Prints what is at a URL, fetched by Node's https.
require("https").get(process.argv[2], (answer) => answer.pipe(process.stdout))
