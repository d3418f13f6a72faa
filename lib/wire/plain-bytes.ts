/**
 * The same memory as a plain Uint8Array. Node's sockets and ciphers give Buffers, whose `slice` makes a view where
 * Uint8Array's makes a copy: what is kept by slicing would stay tied to the frame it came in.
 */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}
