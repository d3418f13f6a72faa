/** Who says what to whom, signed apart from the payload so that evidence can show one without the other. */
export interface Header {
  network: string
  /** Null for a plain application message. */
  protocol: string | null
  type: string
  /** x-only key, or null for anybody. */
  to: Uint8Array | null
  /** Unix time, on the author's clock. */
  timestampMs: number
  /** Random at each start of the author's process. */
  boot: Uint8Array
  /** Unique under (author, boot). */
  messageId: string
  inReplyTo: string | null
  slot: string | null
  salt: Uint8Array
}

/** Sizes of the fields in bytes: docs/wire.md, section 6. */
export const HEADER_FIELDS = 10
export const NETWORK_BYTES_MAX = 32
export const NAME_BYTES_MAX = 64
export const SLOT_BYTES_MAX = 128
export const KEY_BYTES = 32
export const BOOT_BYTES = 16
export const SALT_BYTES = 16
