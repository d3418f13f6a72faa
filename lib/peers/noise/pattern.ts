import { concatBytes, utf8 } from '../../foundation/bytes.ts'
import { TAG_BYTES } from './cipher-state.ts'

/** XK: the dialler knows the listener's key. XX: first contact, both keys are told on the way. */
export type Pattern = 'XK' | 'XX'
export type Act = 'one' | 'two' | 'three'

export const POINT_BYTES = 33

/** docs/wire.md, section 3. Each act is `byte || point or sealed point || tag`. */
export const PATTERNS = {
  XK: { byte: 0, protocolName: 'Noise_XK_secp256k1_ChaChaPoly_SHA256', actOneBytes: 1 + POINT_BYTES + TAG_BYTES, actTwoBytes: 1 + POINT_BYTES + TAG_BYTES },
  XX: { byte: 1, protocolName: 'Noise_XX_secp256k1_ChaChaPoly_SHA256', actOneBytes: 1 + POINT_BYTES, actTwoBytes: 1 + POINT_BYTES + POINT_BYTES + TAG_BYTES + TAG_BYTES },
} as const satisfies Record<Pattern, unknown>

/** The sealed static key inside acts two (XX) and three. */
export const SEALED_POINT_BYTES = POINT_BYTES + TAG_BYTES
/** The hello rides in act three, itself one small frame from a stranger (docs/wire.md, section 5). */
export const HELLO_BYTES_MAX = 900
/** Act three without a hello, and with the largest. */
export const ACT_THREE_BYTES_MIN = 1 + SEALED_POINT_BYTES + TAG_BYTES
export const ACT_THREE_BYTES_MAX = ACT_THREE_BYTES_MIN + HELLO_BYTES_MAX

/** The pattern an act announces in its first byte. */
export function patternOf(byte: number | undefined): Pattern | undefined {
  return byte === PATTERNS.XK.byte ? 'XK' : byte === PATTERNS.XX.byte ? 'XX' : undefined
}

const WIRE_VERSION = 1

/** What both ends must agree on before a word is said: ends of two networks cannot open each other's acts. */
export function prologueOf(networkId: string): Uint8Array {
  return concatBytes(utf8('peerweft'), Uint8Array.of(WIRE_VERSION), utf8(networkId))
}
