import { ErrorCode, P2PError } from '../../contracts/errors.ts'
import { PART_HEAD_BYTES, PartKind, writeParts } from '../../wire/parts.ts'

/** An encoded hello as the part that opens the listener's first sealed frame. */
export function helloPart(hello: Uint8Array): Uint8Array {
  return writeParts([{ kind: PartKind.HELLO, body: hello }])
}

/** The encoded hello that opens a plaintext, and the parts after it, unread. Throws ERR_WIRE_MALFORMED where there is none. */
export function splitHelloPart(plaintext: Uint8Array): { hello: Uint8Array; rest: Uint8Array } {
  if (plaintext.length < PART_HEAD_BYTES || plaintext[0] !== PartKind.HELLO) throw new P2PError(ErrorCode.WIRE_MALFORMED, 'expected a hello part first')
  const end = PART_HEAD_BYTES + new DataView(plaintext.buffer, plaintext.byteOffset).getUint32(1)
  if (end > plaintext.length) throw new P2PError(ErrorCode.WIRE_MALFORMED, `the hello part says it is longer than the frame's ${plaintext.length} bytes`)
  return { hello: plaintext.subarray(PART_HEAD_BYTES, end), rest: plaintext.subarray(end) }
}
