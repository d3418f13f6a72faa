/**
 * Fast mixing that looks random and resists nobody. It serves the simulator's stand-ins, where thousands of nodes
 * sign and seal on one core and the only adversary is scripted. Nothing here is cryptography.
 */

const WORDS = 8

/** 32 bytes that depend on every bit of the parts and of where one part ends and the next begins. */
export function standInHash(parts: readonly Uint8Array[]): Uint8Array {
  const state = mixed(parts)
  const hash = new Uint8Array(4 * WORDS)
  for (let word = 0; word < WORDS; word++) writeWord(hash, 4 * word, state[word]!)
  return hash
}

/** XORs a stream that depends on `parts` into a copy of the bytes. Doing it twice gives the bytes back. */
export function standInCipher(parts: readonly Uint8Array[], bytes: Uint8Array): Uint8Array {
  const state = mixed(parts)
  let [a, b, c, counter] = [state[0]!, state[1]!, state[2]!, state[3]!]
  const result = new Uint8Array(bytes.length)
  for (let at = 0; at < bytes.length; at += 4) {
    // sfc32, as in SimRandom.
    const word = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + word) | 0
    const end = Math.min(at + 4, bytes.length)
    for (let byte = at; byte < end; byte++) result[byte] = bytes[byte]! ^ (word >>> (8 * (byte - at)))
  }
  return result
}

/** A number of 32 bits that shows most changes: for logs and caches. */
export function fingerprint(bytes: Uint8Array): number {
  let state = bytes.length ^ 0x9e3779b1
  const whole = bytes.length & ~3
  for (let at = 0; at < whole; at += 4) state = mix(state, readWord(bytes, at))
  for (let at = whole; at < bytes.length; at++) state = mix(state, bytes[at]!)
  return (state ^ (state >>> 16)) >>> 0
}

function mix(state: number, word: number): number {
  const product = Math.imul(state ^ word, 0x85ebca6b)
  return Math.imul((product << 13) | (product >>> 19), 5) + 0x52dce729
}

const state = new Uint32Array(WORDS)

/** The state after all parts. It is shared and holds until the next call. */
function mixed(parts: readonly Uint8Array[]): Uint32Array {
  for (let word = 0; word < WORDS; word++) state[word] = Math.imul(word + 1, 0x9e3779b1)
  for (const part of parts) absorb(part)
  // Each round spreads every word to the next two; five reach them all with some to spare.
  for (let round = 0; round < 5; round++) for (let word = 0; word < WORDS; word++) stir(word, round)
  return state
}

function absorb(part: Uint8Array): void {
  let word = 0
  const whole = part.length & ~3
  for (let at = 0; at < whole; at += 4) {
    stir(word, readWord(part, at))
    word = (word + 1) & (WORDS - 1)
  }
  let rest = 0
  for (let at = whole; at < part.length; at++) rest = (rest << 8) | part[at]!
  stir(word, rest)
  stir((word + 1) & (WORDS - 1), part.length)
}

function stir(word: number, input: number): void {
  const next = (word + 1) & (WORDS - 1)
  const product = mix(state[word]!, input)
  state[word] = product
  state[next] = (state[next]! ^ (product >>> 15)) + product
}

function readWord(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word
  bytes[at + 1] = word >>> 8
  bytes[at + 2] = word >>> 16
  bytes[at + 3] = word >>> 24
}
