import { ErrorCode, P2PError } from '../../contracts/errors.ts'
import { concatBytes } from '../../foundation/bytes.ts'

/** docs/wire.md, section 5: kind (1), length (4), body. */
const HELLO_KIND = 0x10
const HEAD_BYTES = 5

/** An encoded hello as the part that opens the listener's first sealed frame. */
export function helloPart(hello: Uint8Array): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES)
  head[0] = HELLO_KIND
  new DataView(head.buffer).setUint32(1, hello.length)
  return concatBytes(head, hello)
}

/** The encoded hello that opens a plaintext, and the parts after it. Throws ERR_WIRE_MALFORMED where there is none. */
export function splitHelloPart(plaintext: Uint8Array): { hello: Uint8Array; rest: Uint8Array } {
  if (plaintext.length < HEAD_BYTES || plaintext[0] !== HELLO_KIND) throw new P2PError(ErrorCode.WIRE_MALFORMED, 'expected a hello part first')
  const end = HEAD_BYTES + new DataView(plaintext.buffer, plaintext.byteOffset).getUint32(1)
  if (end > plaintext.length) throw new P2PError(ErrorCode.WIRE_MALFORMED, `the hello part says it is longer than the frame's ${plaintext.length} bytes`)
  return { hello: plaintext.subarray(HEAD_BYTES, end), rest: plaintext.subarray(end) }
}
