import { ErrorCode, P2PError } from '../contracts/errors.ts'
import { drawScalar } from '../crypto/draw-scalar.ts'
import { hkdf2 } from '../crypto/hkdf.ts'
import { concatBytes, utf8, wipe } from '../foundation/bytes.ts'
import type { LocalNode } from './local-node.ts'

/**
 * A frame for one key alone, to be carried by whoever: docs/wire.md, section 11. Its author is proved by the signed frame
 * inside; the envelope only hides it. A fresh one-time key each, so that equal frames do not look alike.
 */

/** No frame begins with it: frames begin with their version. */
export const ENVELOPE_KIND = 0x80
const POINT_BYTES = 33
const HEAD_BYTES = 1 + POINT_BYTES
const TAG_BYTES = 16
/** One key seals one envelope. */
const NONCE = new Uint8Array(12)

/** True for what `openEnvelope` takes, rather than a frame. */
export function isEnvelope(bytes: Uint8Array): boolean {
  return bytes[0] === ENVELOPE_KIND
}

/** Seals a frame to an x-only key. Throws RangeError for a key that is no point. */
export function sealEnvelope(node: Pick<LocalNode, 'crypto' | 'secretRandom'>, to: Uint8Array, frame: Uint8Array): Uint8Array {
  const crypto = node.crypto()
  const secret = drawScalar(node.secretRandom)
  try {
    const point = crypto.publicKeyOf(secret)
    const target = concatBytes(Uint8Array.of(2), to)
    const shared = crypto.ecdhOnce ? crypto.ecdhOnce(secret, target) : crypto.ecdh(secret, target)
    if (shared === null) throw new RangeError('cannot seal to a key that is no point of secp256k1')
    const head = concatBytes(Uint8Array.of(ENVELOPE_KIND), point)
    const key = envelopeKey(node, shared)
    const sealed = crypto.seal(key, NONCE, concatBytes(head, to), frame)
    wipe(key, shared)
    return concatBytes(head, sealed)
  } finally {
    wipe(secret)
  }
}

/** The frame inside. Rejects with ERR_WIRE_MALFORMED, or ERR_WIRE_WRONG_RECIPIENT for one that our key does not open. */
export async function openEnvelope(node: Pick<LocalNode, 'crypto' | 'identity' | 'publicKey'>, envelope: Uint8Array): Promise<Uint8Array> {
  if (envelope.length < HEAD_BYTES + TAG_BYTES) throw new P2PError(ErrorCode.WIRE_MALFORMED, `expected an envelope of at least ${HEAD_BYTES + TAG_BYTES} bytes, got ${envelope.length}`)
  const head = envelope.slice(0, HEAD_BYTES)
  const point = head.subarray(1)
  if (!node.crypto().isPoint(point)) throw new P2PError(ErrorCode.WIRE_MALFORMED, 'expected the one-time key of an envelope to be a point')
  const shared = await node.identity.ecdh(point)
  const key = envelopeKey(node, shared)
  const frame = node.crypto().open(key, NONCE, concatBytes(head, node.publicKey), envelope.subarray(HEAD_BYTES))
  wipe(key, shared)
  if (frame === null) throw new P2PError(ErrorCode.WIRE_WRONG_RECIPIENT, 'an envelope that our key does not open: it is for another key, or was changed on the way')
  return frame
}

function envelopeKey(node: Pick<LocalNode, 'crypto'>, shared: Uint8Array): Uint8Array {
  const [key, rest] = hkdf2(node.crypto(), utf8('peerweft/envelope'), shared)
  wipe(rest)
  return key
}
