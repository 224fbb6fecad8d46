/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Numbers of the records and messages of TLS. */

#define RECORD_HEADER_LENGTH	  5  /* RFC 8446 section 5.1 */
#define RECORD_CHANGE_CIPHER_SPEC 20 /* the same */
#define RECORD_ALERT		  21 /* the same */
#define RECORD_HANDSHAKE	  22 /* the same */
#define RECORD_APPLICATION_DATA	  23 /* the same */
#define VERSION_MAJOR		  3  /* of every version from SSL 3 to TLS 1.3 */
#define HANDSHAKE_HEADER_LENGTH	  4  /* RFC 8446 section 4 */
#define RANDOM_LENGTH		  32 /* RFC 8446 section 4.1.2 */
#define SESSION_ID_LENGTH_MAX	  32 /* the same */
