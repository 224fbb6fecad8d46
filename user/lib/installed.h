/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The paths of the other files of this installation. They are found from the place of the
 * program itself, so that an installed tree can be moved. The prefix of
 * PREFIX/bin/jobfence is PREFIX. A program in a folder of another name was built and not
 * installed. Then the prefix is its own folder, where the Makefile lays out `libexec` and
 * `share` in the same way.
 */

#include <stddef.h>

#include "lib/failure.h"

#define DOCUMENTS "share/doc/jobfence"

/* Writes the path of `name`, which is relative to the prefix. Returns 0 or -errno. */
int installed_path(char *path, size_t size, const char *name);

/*
 * Returns the path of a page of the documents, for messages. The path is valid until the
 * next call.
 */
const char *installed_document(const char *page);

/*
 * Finds another program of this installation, in libexec/jobfence.
 *
 * The caller is often root, so nobody may have put another program there. The file and
 * the folders up to the prefix have to belong to root or to the owner of this program.
 * Only users who may write to this program may write to them.
 *
 * Returns 0, or -errno with the failure noted.
 */
int installed_program(char *path, size_t size, const char *name, struct failure *failure);
